"""Keep the words by which staff find a blog, in a table of its own. A worker fills in those that the old code leaves out."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [("blogs", "0020_post_orders")]

    operations = [
        migrating.give_up_soon(),
        migrations.CreateModel(
            name="BlogWords",
            fields=[
                (
                    "generation",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="blogs.bloggeneration",
                    ),
                ),
                (
                    "level",
                    models.SmallIntegerField(choices=[(-1, "Incomplete"), (0, "Topic"), (1, "Products"), (2, "Title")]),
                ),
                (
                    "subject",
                    models.CharField(
                        blank=True,
                        db_default="",
                        help_text="the name of the product or collection that it is about; empty: its topic says what it is about",
                        max_length=200,
                    ),
                ),
                ("words", django.contrib.postgres.search.SearchVectorField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("level__in", [-1, 0, 1, 2])), name="blog_words_level")
                ],
                "indexes": [django.contrib.postgres.indexes.GinIndex(fields=["words"], name="blog_by_words")],
            },
        ),
    ]
