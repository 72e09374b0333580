"""Add what shops were told of when their blogs start and end. The old code writes none."""

import django.db.models.deletion
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [("blogs", "0026_ideas_are_sources")]

    operations = [
        migrating.give_up_soon(),
        migrations.CreateModel(
            name="Promise",
            fields=[
                (
                    "generation",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="promise",
                        serialize=False,
                        to="blogs.bloggeneration",
                    ),
                ),
                ("start_early", models.DateTimeField()),
                ("start_late", models.DateTimeField()),
                ("end_early", models.DateTimeField()),
                ("end_late", models.DateTimeField()),
                ("judged", models.BooleanField(db_default=False, default=False, help_text="it is in the metrics")),
            ],
        ),
    ]
