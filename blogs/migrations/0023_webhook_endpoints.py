"""Add shops' own webhook endpoints and their messages, and who may steer them. The old code writes neither."""

from typing import Any

import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.functions.datetime
from django.contrib.auth.management import create_permissions
from django.db import migrations, models
from django.db.models import Manager

from workers.database import migrating

_SEEN = ("blogs.view_webhookendpoint",)
_ROLES = {
    "Viewer": _SEEN,
    "Support": (*_SEEN, "blogs.steer_webhooks"),
    "Billing": _SEEN,
    "Operator": (*_SEEN, "blogs.steer_webhooks"),
    "Admin": (*_SEEN, "blogs.steer_webhooks"),
}


def write(groups: Manager[Any], permissions: Manager[Any]) -> None:
    """Give each role those of these permissions that it lacks."""
    known = {
        f"{each.content_type.app_label}.{each.codename}": each for each in permissions.select_related("content_type")
    }
    for role, names in _ROLES.items():
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(*(known[name] for name in names if name in known))


def write_roles(apps: Any, schema_editor: Any) -> None:
    """Make the permissions first: Django makes them after the last migration only."""
    app = apps.get_app_config("blogs")
    app.models_module = True
    create_permissions(app, apps=apps, verbosity=0)
    app.models_module = None
    write(apps.get_model("auth", "Group").objects, apps.get_model("auth", "Permission").objects)


class Migration(migrations.Migration):
    dependencies = [
        ("blogs", "0022_by_slug"),
        ("wix", "0007_site_words"),
    ]

    operations = [
        migrating.give_up_soon(),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("url", models.CharField(max_length=500)),
                ("description", models.CharField(blank=True, db_default="", max_length=200)),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), help_text="the types that it is told", size=None
                    ),
                ),
                ("sealed_secret", models.TextField()),
                (
                    "sealed_old_secret",
                    models.TextField(blank=True, db_default="", help_text="also signs, until old_secret_until"),
                ),
                ("old_secret_until", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("off_at", models.DateTimeField(blank=True, null=True)),
                (
                    "off_why",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("shop", "switched off by the shop"),
                            ("staff", "switched off by staff"),
                            ("gone", "it answered 410 Gone"),
                            ("failing", "it took nothing for days"),
                            ("deleted", "deleted by the shop"),
                        ],
                        db_default="",
                        max_length=10,
                    ),
                ),
                ("failures", models.PositiveIntegerField(db_default=0, default=0, help_text="in a row")),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                (
                    "rests_until",
                    models.DateTimeField(
                        blank=True, help_text="after failures in a row nothing is sent for a while", null=True
                    ),
                ),
                (
                    "slow_until",
                    models.DateTimeField(
                        blank=True, help_text="until then it keeps only other slow ones waiting", null=True
                    ),
                ),
                ("tried_at", models.DateTimeField(blank=True, null=True)),
                ("delivered_at", models.DateTimeField(blank=True, help_text="when it last took a message", null=True)),
                (
                    "taken_until",
                    models.DateTimeField(blank=True, help_text="until then a worker sends to it", null=True),
                ),
                ("taken_by", models.UUIDField(blank=True, null=True)),
                (
                    "credits_low_at",
                    models.DateTimeField(blank=True, help_text="when it was last told that credits are low", null=True),
                ),
                (
                    "site",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="webhook_endpoints",
                        to="wix.site",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("steer_webhooks", "Can switch shops' webhook endpoints and send their messages again")
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "uuid",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        help_text="the same however often it is sent",
                        unique=True,
                    ),
                ),
                ("type", models.CharField(max_length=32)),
                ("generation_id", models.BigIntegerField(blank=True, null=True)),
                ("code", models.CharField(blank=True, db_default="", help_text="of an error, or why", max_length=40)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("delivered", "Delivered"),
                            ("failed", "given up"),
                            ("dropped", "not sent: the endpoint was switched off"),
                        ],
                        db_default="waiting",
                        max_length=10,
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, help_text="empty: it is over", null=True)),
                ("attempts", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("body", models.TextField(blank=True, null=True)),
                ("tried_at", models.DateTimeField(blank=True, null=True)),
                ("answer_status", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "answer",
                    models.CharField(
                        blank=True, db_default="", help_text="what came of it, for a person", max_length=200
                    ),
                ),
                ("took_ms", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="blogs.webhookendpoint",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="webhookendpoint",
            index=models.Index(fields=["site", "id"], name="webhook_endpoint_of_site"),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("off_at__isnull", True), ("off_why", "")),
                    models.Q(("off_at__isnull", False), models.Q(("off_why", ""), _negated=True)),
                    _connector="OR",
                ),
                name="webhook_endpoint_off_why",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookmessage",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)),
                fields=["endpoint", "due_at"],
                name="webhook_message_due_of",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookmessage",
            index=models.Index(fields=["endpoint", "-id"], name="webhook_message_of_endpoint"),
        ),
        migrations.AddIndex(
            model_name="webhookmessage",
            index=models.Index(fields=["created_at"], name="webhook_message_by_age"),
        ),
        migrations.AddConstraint(
            model_name="webhookmessage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("due_at__isnull", False), ("state", "waiting")),
                    models.Q(models.Q(("state", "waiting"), _negated=True), ("due_at__isnull", True)),
                    _connector="OR",
                ),
                name="webhook_message_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookmessage",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "delivered", "failed", "dropped"])),
                name="webhook_message_state",
            ),
        ),
        migrations.RunPython(write_roles, migrations.RunPython.noop),
    ]
