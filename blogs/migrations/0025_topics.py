"""Make the tables of the idea bank, and let a request say what is to become of a duplicate. The old code writes none of it."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [
        ("blogs", "0024_site_profiles"),
        ("wix", "0008_keys_expire"),
        ("workers", "0013_call_by_request"),
    ]

    operations = [
        migrating.give_up_soon(),
        migrating.create_extension("pg_trgm"),
        migrations.CreateModel(
            name="IdeaAsked",
            fields=[
                ("generation_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("leader_id", models.BigIntegerField(db_index=True)),
                ("leader_token", models.UUIDField()),
                (
                    "alone",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="a call for several blogs brought it no idea; it asks by itself",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="IdeaOrder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "about",
                    models.CharField(
                        blank=True, help_text="what the ideas are to be about; empty: the shop", max_length=200
                    ),
                ),
                ("language", models.CharField(max_length=35)),
                ("length", models.CharField(max_length=10)),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("done", "Done"), ("failed", "Failed")],
                        db_default="waiting",
                        default="waiting",
                        max_length=8,
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="empty: it is over",
                        null=True,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(db_default=0, default=0)),
                (
                    "found",
                    models.PositiveSmallIntegerField(db_default=0, default=0, help_text="how many ideas came of it"),
                ),
                ("error", models.CharField(blank=True, db_default="", max_length=300)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="PostReading",
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
                ("number", models.PositiveIntegerField(db_default=0, default=0)),
                ("read_at", models.DateTimeField(blank=True, help_text="when the last whole reading began", null=True)),
                (
                    "reading_until",
                    models.DateTimeField(blank=True, help_text="until then no other worker reads", null=True),
                ),
                ("posts", models.PositiveIntegerField(db_default=0, default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Topic",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("asked", "asked for"),
                            ("title", "title of a blog"),
                            ("post", "post at Wix"),
                            ("idea", "idea, not used yet"),
                        ],
                        max_length=5,
                    ),
                ),
                (
                    "language",
                    models.CharField(help_text="the language's code, without script and country", max_length=8),
                ),
                ("text", models.CharField(max_length=200)),
                ("key", models.CharField(help_text="its words that count, folded and in order", max_length=200)),
                (
                    "holds",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="of the site's topics of its kind that hold their keys, none has the same",
                    ),
                ),
                ("generation_id", models.BigIntegerField(blank=True, help_text="the blog that has it", null=True)),
                (
                    "plan",
                    models.JSONField(blank=True, help_text="the outline that the writer has made for it", null=True),
                ),
                (
                    "offered_at",
                    models.DateTimeField(blank=True, help_text="when it was offered to the shop as an idea", null=True),
                ),
                ("post_id", models.UUIDField(blank=True, null=True)),
                ("url", models.CharField(blank=True, db_default="", max_length=1000)),
                ("published", models.BooleanField(db_default=False, default=False)),
                (
                    "reading",
                    models.PositiveIntegerField(
                        db_default=0, default=0, help_text="the reading of posts that saw it last"
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="TopicStem",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "site_id", "stem", "topic_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("site_id", models.BigIntegerField()),
                ("stem", models.IntegerField()),
                ("topic_id", models.BigIntegerField(db_index=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="bloggeneration",
            name="blog_source_type",
        ),
        migrations.AddField(
            model_name="requestdetails",
            name="on_duplicate",
            field=models.CharField(
                blank=True,
                choices=[("warn", "Warn"), ("refuse", "Refuse"), ("vary", "Vary")],
                db_default="",
                help_text="empty: it is warned of",
                max_length=6,
            ),
        ),
        migrations.AlterField(
            model_name="bloggeneration",
            name="source_type",
            field=models.CharField(
                choices=[
                    ("keyword", "Keyword"),
                    ("product", "Product"),
                    ("collection", "Collection"),
                    ("title", "Title"),
                    ("prompt", "Prompt"),
                    ("idea", "Idea"),
                ],
                max_length=10,
            ),
        ),
        # Looked at in the next one: here it would lock the table for as long as it takes to read it.
        AddConstraintNotValid(
            model_name="bloggeneration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("source_type__in", ["keyword", "product", "collection", "title", "prompt", "idea"])
                ),
                name="blog_source_type",
            ),
        ),
        migrations.AddField(
            model_name="ideaorder",
            name="site",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="idea_orders", to="wix.site"
            ),
        ),
        migrations.AddField(
            model_name="topic",
            name="site",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="topics", to="wix.site"
            ),
        ),
        migrations.AddIndex(
            model_name="ideaorder",
            index=models.Index(fields=["site", "-id"], name="idea_order_of_site"),
        ),
        migrations.AddIndex(
            model_name="ideaorder",
            index=models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="idea_order_due"),
        ),
        migrations.AddConstraint(
            model_name="ideaorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("due_at__isnull", False), ("state", "waiting")),
                    models.Q(models.Q(("state", "waiting"), _negated=True), ("due_at__isnull", True)),
                    _connector="OR",
                ),
                name="idea_order_due_while_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="topic",
            index=models.Index(fields=["site", "kind", "-id"], name="topic_of_site"),
        ),
        migrations.AddIndex(
            model_name="topic",
            index=models.Index(
                condition=models.Q(("offered_at__isnull", False)), fields=["site", "-id"], name="topic_offered"
            ),
        ),
        migrations.AddIndex(
            model_name="topic",
            index=models.Index(
                condition=models.Q(("kind", "title"), ("plan__isnull", False)),
                fields=["generation_id"],
                name="topic_planned",
            ),
        ),
        migrations.AddConstraint(
            model_name="topic",
            constraint=models.UniqueConstraint(
                condition=models.Q(("holds", True)),
                fields=("site", "kind", "language", "key"),
                name="topic_key_held_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="topic",
            constraint=models.UniqueConstraint(
                condition=models.Q(("generation_id__isnull", False)),
                fields=("generation_id", "kind"),
                name="topic_of_blog",
            ),
        ),
        migrations.AddConstraint(
            model_name="topic",
            constraint=models.UniqueConstraint(
                condition=models.Q(("post_id__isnull", False)), fields=("site", "post_id"), name="topic_of_post"
            ),
        ),
        migrations.AddConstraint(
            model_name="topic",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "post"), _negated=True), ("post_id__isnull", False), _connector="OR"
                ),
                name="topic_post_has_an_id",
            ),
        ),
        migrations.AddConstraint(
            model_name="topic",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("kind", "idea"), _negated=True), ("plan__isnull", False), _connector="OR"),
                name="topic_idea_has_a_plan",
            ),
        ),
    ]
