"""Give the queue's clock a pause of all lines. The old code's claims know of none: pause when all workers are new."""

from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [
        ("blogs", "0015_draft_search"),
    ]

    operations = [
        migrating.give_up_soon(),
        migrations.AddField(
            model_name="queueclock",
            name="paused_at",
            field=models.DateTimeField(blank=True, help_text="since then no blog of any line starts", null=True),
        ),
        migrations.AddField(
            model_name="queueclock",
            name="paused_by",
            field=models.CharField(blank=True, db_default="", max_length=150),
        ),
        migrations.AddField(
            model_name="queueclock",
            name="paused_why",
            field=models.CharField(blank=True, db_default="", max_length=300),
        ),
        migrations.AddField(
            model_name="queueclock",
            name="resumed_at",
            field=models.DateTimeField(blank=True, help_text="when the last pause of all lines ended", null=True),
        ),
    ]
