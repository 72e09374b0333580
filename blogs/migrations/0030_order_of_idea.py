"""Note of which order an idea came. Ideas from before have none, and neither have those that older workers keep meanwhile."""

from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [("blogs", "0029_by_review")]

    operations = [
        migrating.give_up_soon(),
        migrations.AddField(
            "topic",
            "order_id",
            models.BigIntegerField(blank=True, help_text="the order of ideas that it came of", null=True),
        ),
    ]
