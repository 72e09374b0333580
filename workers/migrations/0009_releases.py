"""Let a worker's row say which release it runs, and whether that was found broken. The old code leaves these empty."""

from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [("workers", "0008_refusal_signs")]

    operations = [
        migrating.give_up_soon(),
        migrations.AddField(
            model_name="workerprocess",
            name="release",
            field=models.CharField(blank=True, db_default="", max_length=100),
        ),
        migrations.AddField(
            model_name="workerprocess",
            name="broken_at",
            field=models.DateTimeField(blank=True, help_text="since when it takes probes only", null=True),
        ),
        migrations.AddField(
            model_name="workerprocess",
            name="broken_where",
            field=models.CharField(blank=True, db_default="", help_text="the steps that fail", max_length=200),
        ),
        migrations.AddField(
            model_name="workerprocess",
            name="broken_reason",
            field=models.CharField(blank=True, db_default="", help_text="shown to staff", max_length=200),
        ),
    ]
