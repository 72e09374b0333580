"""Index the ideas of an order, by which the API lists them."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    # Concurrently: shops and workers go on meanwhile.
    atomic = False

    dependencies = [("blogs", "0030_order_of_idea")]

    operations = [
        migrating.drop_unfinished_index("topic_of_order"),
        AddIndexConcurrently(
            "topic",
            models.Index(
                condition=models.Q(("order_id__isnull", False)), fields=["order_id", "-id"], name="topic_of_order"
            ),
        ),
    ]
