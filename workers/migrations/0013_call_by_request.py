from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Concurrently: shops and workers go on meanwhile.
    atomic = False

    dependencies = [("workers", "0012_prices")]

    operations = [
        AddIndexConcurrently(
            "providercall",
            models.Index(
                fields=["request_id"],
                condition=models.Q(("request_id", ""), _negated=True),
                name="provider_call_by_request",
            ),
        ),
    ]
