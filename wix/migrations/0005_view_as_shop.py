from django.db import migrations

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [("wix", "0004_help_texts")]

    operations = [
        migrating.give_up_soon(),
        migrations.AlterModelOptions(
            name="site",
            options={"permissions": [("view_as_shop", "Can see what a shop sees")]},
        ),
    ]
