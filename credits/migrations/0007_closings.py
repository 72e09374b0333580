"""Count how often an account was closed by the removal of its site's app. Code from before neither counts nor looks."""

from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [("credits", "0006_spent_of_account")]

    operations = [
        migrating.give_up_soon(),
        migrations.AddField(
            "creditaccount",
            "closings",
            models.IntegerField(
                db_default=0,
                default=0,
                help_text="how often the app was removed; a hold that was begun before is refused",
            ),
        ),
    ]
