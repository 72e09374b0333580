"""Note when a key was rotated. Old code notes nothing: a key that it rotates can be rotated once more."""

from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [("wix", "0008_keys_expire")]

    operations = [
        migrating.give_up_soon(),
        migrations.AddField(
            "apikey",
            "rotated_at",
            models.DateTimeField(blank=True, editable=False, help_text="another has its place since then", null=True),
        ),
    ]
