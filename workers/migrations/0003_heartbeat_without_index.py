"""A table of some tens of rows is read whole, and an index on what every heartbeat changes made each beat a new row in all indexes:
0 of 1,000 beats were written in place (HOT) with it, all are without."""

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("workers", "0002_counter_table")]

    operations = [migrations.AlterField("workerprocess", "heartbeat_at", models.DateTimeField(db_default=Now()))]
