from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

_TYPES = ["keyword", "product", "collection", "title", "prompt"]


class Migration(migrations.Migration):
    dependencies = [("blogs", "0007_plan_caps")]

    operations = [
        migrations.AddField(
            "bloggeneration",
            "categories",
            ArrayField(models.CharField(max_length=35), blank=True, db_default=[], default=list, size=10),
        ),
        migrations.AddField(
            "bloggeneration",
            "cover",
            models.CharField(
                choices=[("generated", "Generated"), ("product", "product's own photo")],
                db_default="generated",
                default="generated",
                max_length=10,
            ),
        ),
        migrations.AddField(
            "bloggeneration",
            "draft_post_slug",
            models.CharField(blank=True, db_default="", help_text="as Wix has it", max_length=200),
        ),
        migrations.AddField(
            "bloggeneration",
            "post_url",
            models.CharField(blank=True, db_default="", help_text="once it is published", max_length=1_000),
        ),
        migrations.AddField(
            "bloggeneration",
            "publish_at",
            models.DateTimeField(blank=True, help_text="empty: as soon as it is written", null=True),
        ),
        migrations.AlterField(
            "bloggeneration",
            "source_type",
            models.CharField(
                choices=[(kind, kind.title()) for kind in _TYPES],
                max_length=10,
            ),
        ),
        # Looked at in the next one: here it would lock the table for as long as it takes to read it.
        migrations.RemoveConstraint("bloggeneration", "blog_source_type"),
        AddConstraintNotValid(
            "bloggeneration",
            models.CheckConstraint(condition=Q(source_type__in=_TYPES), name="blog_source_type"),
        ),
    ]
