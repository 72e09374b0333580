"""Remember since when a blog is in line. The old code leaves the time at which the blog was stored, as before."""

import django.db.models.functions.datetime
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [
        ("blogs", "0011_failed_of_site"),
    ]

    operations = [
        migrating.give_up_soon(),
        migrations.AddField(
            model_name="bloggeneration",
            name="ready_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                help_text="since when it stands in its line, where it is ready",
            ),
        ),
    ]
