"""Index the blogs whose article is held, which the desk lists."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    # Concurrently: shops and workers go on meanwhile.
    atomic = False

    dependencies = [("blogs", "0028_needs_review")]

    operations = [
        migrating.drop_unfinished_index("blog_needs_review"),
        AddIndexConcurrently(
            "bloggeneration",
            models.Index(condition=models.Q(("needs_review", True)), fields=["-id"], name="blog_needs_review"),
        ),
    ]
