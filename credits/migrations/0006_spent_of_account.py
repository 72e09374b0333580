"""Index what a site has spent by time: its month's use is asked for."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    # Concurrently: shops and workers go on meanwhile.
    atomic = False

    dependencies = [("credits", "0005_one_refund_a_blog")]

    operations = [
        migrating.drop_unfinished_index("credit_spent_of_account"),
        AddIndexConcurrently(
            "credit",
            models.Index(
                fields=["account", "created_at"],
                name="credit_spent_of_account",
                condition=models.Q(kind__in=["capture", "refund"]),
            ),
        ),
    ]
