"""Add the row by which a copy of the database is told. It is written by the first worker that starts; the old code knows nothing
of it."""

import django.db.models.functions.datetime
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [("workers", "0010_operations")]

    operations = [
        migrating.give_up_soon(),
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                (
                    "system",
                    models.CharField(
                        blank=True, help_text="the server's system identifier; empty: not readable", max_length=20
                    ),
                ),
                ("database", models.BigIntegerField(help_text="the database's oid")),
                ("table", models.BigIntegerField(db_column="table_oid", help_text="this table's oid")),
                (
                    "timeline",
                    models.BigIntegerField(
                        blank=True,
                        help_text="rises when a standby is promoted or a server is recovered; empty: not readable",
                        null=True,
                    ),
                ),
                (
                    "renewed_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="when workers last found everything as it stands here",
                    ),
                ),
                (
                    "settled_at",
                    models.DateTimeField(
                        blank=True, help_text="when a copy, or a promoted standby, was taken on", null=True
                    ),
                ),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="installation_is_one_row")],
            },
        ),
    ]
