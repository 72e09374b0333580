from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Concurrently: shops and workers go on meanwhile.
    atomic = False

    dependencies = [("blogs", "0010_event_by")]

    operations = [
        AddIndexConcurrently(
            "bloggeneration",
            models.Index(
                fields=["site", "finished_at"], condition=models.Q(status="FAILED"), name="blog_failed_of_site"
            ),
        ),
    ]
