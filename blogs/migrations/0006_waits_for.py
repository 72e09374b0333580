from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    # Concurrently: workers go on meanwhile.
    atomic = False

    dependencies = [("blogs", "0005_standing")]

    operations = [
        migrations.AddField(
            "bloggeneration",
            "waits_for",
            models.CharField(
                max_length=20,
                blank=True,
                db_default="",
                help_text="the provider that is down, until it is back or `run_after`",
            ),
        ),
        AddIndexConcurrently(
            "bloggeneration",
            models.Index(
                fields=["waits_for"],
                condition=Q(status="PENDING", ready=False) & ~Q(waits_for=""),
                name="blog_waits_for",
            ),
        ),
    ]
