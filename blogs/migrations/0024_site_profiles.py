"""Add shops' profiles, the version that a blog is written by, and who may edit them. The old code knows none of it."""

from typing import Any

import django.db.models.deletion
import django.db.models.functions.datetime
from django.contrib.auth.management import create_permissions
from django.db import migrations, models
from django.db.models import Manager

from workers.database import migrating

_EDITORS = ("Support", "Operator", "Admin")


def write(groups: Manager[Any], permissions: Manager[Any]) -> None:
    """Give these roles the permission, where they lack it."""
    edit = permissions.filter(content_type__app_label="blogs", codename="edit_profiles")
    for role in _EDITORS:
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(*edit)


def write_roles(apps: Any, schema_editor: Any) -> None:
    """Make the permission first: Django makes it after the last migration only."""
    app = apps.get_app_config("blogs")
    app.models_module = True
    create_permissions(app, apps=apps, verbosity=0)
    app.models_module = None
    write(apps.get_model("auth", "Group").objects, apps.get_model("auth", "Permission").objects)


class Migration(migrations.Migration):
    dependencies = [
        ("blogs", "0023_webhook_endpoints"),
        ("wix", "0007_site_words"),
    ]

    operations = [
        migrating.give_up_soon(),
        migrations.CreateModel(
            name="ProfileReading",
            fields=[
                (
                    "site",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="wix.site",
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="empty: nothing is left to do",
                        null=True,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("outcome", models.CharField(blank=True, db_default="", max_length=200)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="profile_reading_due"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SiteProfile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                ("told", models.JSONField(help_text="what people have set")),
                ("found", models.JSONField(db_default={}, help_text="what Wix says; it fills what people left open")),
                (
                    "by",
                    models.CharField(
                        help_text="the shop, an API key of it, Wix, or staff by login name", max_length=150
                    ),
                ),
                (
                    "reason",
                    models.CharField(blank=True, db_default="", help_text="why staff changed it", max_length=300),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "site",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="profiles",
                        to="wix.site",
                    ),
                ),
            ],
            options={
                "permissions": [("edit_profiles", "Can edit shops' profiles")],
            },
        ),
        migrations.AddField(
            model_name="bloggeneration",
            name="profile",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                help_text="the version of its shop's profile that it was asked for with, and is written by",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="blogs.siteprofile",
            ),
        ),
        migrations.AddConstraint(
            model_name="siteprofile",
            constraint=models.UniqueConstraint(fields=("site", "version"), name="site_profile_version"),
        ),
        migrations.RunPython(write_roles, migrations.RunPython.noop),
    ]
