from django.db import migrations, models


class Migration(migrations.Migration):
    # By itself: whoever works locks a line before its blogs, and a migration of both would hold them the other way round.
    dependencies = [("blogs", "0006_waits_for")]

    operations = [
        migrations.AddField(
            "siteline",
            "waiting_max",
            models.PositiveIntegerField(blank=True, help_text="by the site's plan; empty: half the queue", null=True),
        ),
    ]
