from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [("blogs", "0025_topics")]

    operations = [migrating.give_up_soon(), ValidateConstraint("bloggeneration", "blog_source_type")]
