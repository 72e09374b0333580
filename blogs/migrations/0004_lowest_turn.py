import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("blogs", "0003_running")]

    operations = [
        # Behind somebody's dump the column would wait, and every submit and claim behind it: rather give up, to be tried again.
        migrations.RunSQL("SET LOCAL lock_timeout = '5s'", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="queueclock",
            name="lowest",
            field=models.FloatField(
                db_default=0, help_text="of the turns that wait, a moment ago: where claims begin to read"
            ),
        ),
        migrations.AddField(
            model_name="queueclock",
            name="next_lowest",
            field=models.FloatField(db_default=0, help_text="what `lowest` will be at most after the next look"),
        ),
        migrations.AddField(
            model_name="queueclock",
            name="looked_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                help_text="when a claim last read from the very head",
            ),
        ),
    ]
