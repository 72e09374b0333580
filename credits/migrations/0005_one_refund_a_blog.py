"""One refund a blog, by an index that is built while others write; and the checks of 0004 hold for older entries too."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models
from django.db.models import Q

from workers.database import migrating


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("credits", "0004_refunds")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddConstraint(
                    "credit",
                    models.UniqueConstraint(
                        fields=["generation"], condition=Q(kind="refund"), name="credit_one_refund_a_blog_ever"
                    ),
                )
            ],
            database_operations=[
                migrating.drop_unfinished_index("credit_one_refund_a_blog_ever"),
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS credit_one_refund_a_blog_ever "
                    "ON credits_credit (generation_id) WHERE kind = 'refund'",
                    "DROP INDEX CONCURRENTLY IF EXISTS credit_one_refund_a_blog_ever",
                ),
            ],
        ),
        ValidateConstraint("credit", "credit_kind"),
        ValidateConstraint("credit", "credit_weight"),
        ValidateConstraint("credit", "credit_shape"),
    ]
