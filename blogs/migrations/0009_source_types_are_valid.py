from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("blogs", "0008_cover_and_publishing")]

    operations = [ValidateConstraint("bloggeneration", "blog_source_type")]
