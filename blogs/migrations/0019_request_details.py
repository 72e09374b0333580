"""Add what a request may say beyond its blog's row, and the first answer to it. The old code writes none of it."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [
        ("blogs", "0018_roles_of_money"),
    ]

    operations = [
        migrating.give_up_soon(),
        migrations.CreateModel(
            name="RequestDetails",
            fields=[
                (
                    "generation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="details",
                        serialize=False,
                        to="blogs.bloggeneration",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        blank=True, db_default="", help_text="in which the shop said its times", max_length=64
                    ),
                ),
                (
                    "metadata",
                    models.JSONField(
                        blank=True, db_default={}, help_text="the shop's own pairs; we only echo and search them"
                    ),
                ),
                (
                    "product_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100), blank=True, db_default=[], size=None
                    ),
                ),
                (
                    "instructions",
                    models.TextField(blank=True, db_default="", help_text="what the shop wishes of the article"),
                ),
                (
                    "answer",
                    models.TextField(
                        blank=True, help_text="the first answer, which a repeated request gets again", null=True
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "request details",
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass("metadata", name="jsonb_path_ops"),
                        condition=models.Q(("metadata", {}), _negated=True),
                        name="details_by_metadata",
                    )
                ],
            },
        ),
    ]
