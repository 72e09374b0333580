"""Add what workers measure of the limits, what processes count, and which alerts were told. The old code writes none of it."""

import django.db.models.functions.datetime
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [
        ("workers", "0009_releases"),
    ]

    operations = [
        migrating.give_up_soon(),
        migrations.CreateModel(
            name="ProcessCounts",
            fields=[
                ("process", models.UUIDField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("counts", models.JSONField(default=dict)),
            ],
            options={
                "verbose_name_plural": "process counts",
            },
        ),
        migrations.AddField(
            model_name="workerprocess",
            name="fed",
            field=models.FloatField(
                blank=True,
                help_text="how much all workers together should have in flight, as this one measures it",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="AlertNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=30)),
                ("severity", models.CharField(max_length=10)),
                (
                    "subject",
                    models.CharField(
                        blank=True, help_text="which provider, where an alert is about one", max_length=60
                    ),
                ),
                ("message", models.CharField(max_length=500)),
                ("fired_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("cleared_at", models.DateTimeField(blank=True, null=True)),
                ("told_fired_at", models.DateTimeField(blank=True, null=True)),
                ("told_cleared_at", models.DateTimeField(blank=True, null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "try_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="not sooner; a sender moves it ahead before it sends",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("told_fired_at__isnull", True),
                            models.Q(("cleared_at__isnull", False), ("told_cleared_at__isnull", True)),
                            _connector="OR",
                        ),
                        fields=["try_at"],
                        name="alert_notice_untold",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("cleared_at__isnull", True)),
                        fields=("name", "severity", "subject"),
                        name="alert_notice_fires_once",
                    )
                ],
            },
        ),
    ]
