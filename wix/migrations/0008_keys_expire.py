"""Let API keys expire. Old code knows of no expiry: until it is gone, a key that it is shown counts as one without."""

from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [("wix", "0007_site_words")]

    operations = [
        migrating.give_up_soon(),
        migrations.AddField(
            "apikey",
            "expires_at",
            models.DateTimeField(blank=True, help_text="refused from then on", null=True),
        ),
    ]
