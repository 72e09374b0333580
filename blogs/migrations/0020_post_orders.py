"""Add what staff order for a DONE blog's post at Wix. The old code makes no orders, and carries none out."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [
        ("blogs", "0019_request_details"),
        ("wix", "0004_help_texts"),
    ]

    operations = [
        migrating.give_up_soon(),
        migrations.AlterField(
            model_name="generationevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("submitted", "Submitted"),
                    ("started", "Started"),
                    ("checkpoint", "Checkpoint"),
                    ("warning", "Warning"),
                    ("deferred", "Deferred"),
                    ("retrying", "Retrying"),
                    ("rescued", "Rescued"),
                    ("handed_back", "Handed Back"),
                    ("done", "Done"),
                    ("failed", "Failed"),
                    ("cancel_requested", "Cancel Requested"),
                    ("cancelled", "Cancelled"),
                    ("requeued", "Requeued"),
                    ("put_first", "Put First"),
                    ("rescheduled", "Rescheduled"),
                    ("swept", "Swept"),
                    ("refunded", "Refunded"),
                    ("ordered", "asked for at Wix"),
                    ("published", "published again"),
                    ("draft_made", "draft made again"),
                ],
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="PostOrder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("look", "look at what Wix holds"),
                            ("publish", "publish again"),
                            ("draft", "make the draft again"),
                        ],
                        max_length=10,
                    ),
                ),
                ("by", models.CharField(help_text="the login name of who asked", max_length=150)),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("turn", models.BigIntegerField(help_text="sites take turns: the lowest is carried out next")),
                (
                    "due_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), help_text="before then no worker takes it"
                    ),
                ),
                ("taken_until", models.DateTimeField(blank=True, help_text="until then a worker has it", null=True)),
                ("attempts", models.PositiveSmallIntegerField(db_default=0, default=0)),
                (
                    "create_started_at",
                    models.DateTimeField(
                        blank=True, help_text="when a request that creates a draft last left for Wix", null=True
                    ),
                ),
                (
                    "old_draft_id",
                    models.UUIDField(blank=True, help_text="the draft that the blog had before", null=True),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "code",
                    models.CharField(
                        blank=True, db_default="", help_text="why it failed; empty: it did not", max_length=40
                    ),
                ),
                (
                    "result",
                    models.CharField(
                        blank=True, db_default="", help_text="what became of it, for a person", max_length=500
                    ),
                ),
                ("held", models.JSONField(blank=True, help_text="what Wix held, as the worker found it", null=True)),
                (
                    "generation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="post_orders",
                        to="blogs.bloggeneration",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="wix.site"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended_at__isnull", True)), fields=["turn", "id"], name="post_order_next"
                    ),
                    models.Index(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=["site", "turn"],
                        name="post_order_of_site",
                    ),
                    models.Index(fields=["generation", "-id"], name="post_order_of_blog"),
                    models.Index(
                        condition=models.Q(("kind", "look")), fields=["by", "created_at"], name="post_order_looks"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("generation", "kind"),
                        name="post_order_open_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["look", "publish", "draft"])), name="post_order_kind"
                    ),
                ],
            },
        ),
    ]
