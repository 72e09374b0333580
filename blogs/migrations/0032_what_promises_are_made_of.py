"""Add to promises what their ranges were made of. The old code leaves it empty."""

import django.contrib.postgres.fields
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [("blogs", "0031_by_order")]

    operations = [
        migrating.give_up_soon(),
        migrations.AddField(
            "promise",
            "start_forecast",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.FloatField(),
                help_text="what the start's range was made of; empty where nothing is to be learned of it",
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            "promise",
            "end_forecast",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.FloatField(), help_text="what the end's range was made of", null=True, size=None
            ),
        ),
    ]
