from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Concurrently: shops and workers go on meanwhile.
    atomic = False

    dependencies = [("blogs", "0021_blog_words")]

    operations = [
        AddIndexConcurrently(
            "bloggeneration",
            models.Index(
                fields=["draft_post_slug", "-id"],
                condition=models.Q(("draft_post_slug", ""), _negated=True),
                name="blog_by_slug",
            ),
        ),
    ]
