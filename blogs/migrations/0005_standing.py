from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("blogs", "0004_lowest_turn")]

    operations = [
        # Its choices are for forms and pages: no SQL.
        migrations.AlterField(
            model_name="generationevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("submitted", "Submitted"),
                    ("started", "Started"),
                    ("checkpoint", "Checkpoint"),
                    ("warning", "Warning"),
                    ("deferred", "Deferred"),
                    ("retrying", "Retrying"),
                    ("rescued", "Rescued"),
                    ("handed_back", "Handed Back"),
                    ("done", "Done"),
                    ("failed", "Failed"),
                    ("cancel_requested", "Cancel Requested"),
                    ("cancelled", "Cancelled"),
                    ("requeued", "Requeued"),
                    ("put_first", "Put First"),
                    ("rescheduled", "Rescheduled"),
                    ("swept", "Swept"),
                ],
                max_length=16,
            ),
        )
    ]
