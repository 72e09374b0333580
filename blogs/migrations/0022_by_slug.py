"""Index blogs by their slugs, by which the desk's search finds them."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    # Concurrently: shops and workers go on meanwhile.
    atomic = False

    dependencies = [("blogs", "0021_blog_words")]

    operations = [
        migrating.drop_unfinished_index("blog_by_slug"),
        AddIndexConcurrently(
            "bloggeneration",
            models.Index(
                fields=["draft_post_slug", "-id"],
                condition=models.Q(("draft_post_slug", ""), _negated=True),
                name="blog_by_slug",
            ),
        ),
    ]
