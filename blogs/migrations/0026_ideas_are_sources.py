from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("blogs", "0025_topics")]

    operations = [ValidateConstraint("bloggeneration", "blog_source_type")]
