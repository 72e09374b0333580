"""Index calls by their provider's id, by which the desk's search finds a blog."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    # Concurrently: shops and workers go on meanwhile.
    atomic = False

    dependencies = [("workers", "0012_prices")]

    operations = [
        migrating.drop_unfinished_index("provider_call_by_request"),
        AddIndexConcurrently(
            "providercall",
            models.Index(
                fields=["request_id"],
                condition=models.Q(("request_id", ""), _negated=True),
                name="provider_call_by_request",
            ),
        ),
    ]
