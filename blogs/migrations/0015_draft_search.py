"""Add what a restored backup needs: blogs whose drafts are to be looked for, and the sites that are looked through. The old code
marks none."""

import django.db.models.deletion
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [("blogs", "0014_audit_and_roles"), ("wix", "0004_help_texts")]

    operations = [
        migrating.give_up_soon(),
        migrations.CreateModel(
            name="DraftSearch",
            fields=[
                (
                    "site",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="wix.site",
                    ),
                ),
                ("since", models.DateTimeField(help_text="drafts that were edited since then are looked at")),
                (
                    "not_before",
                    models.DateTimeField(help_text="by then Wix has finished what it was asked for in the lost time"),
                ),
                (
                    "read_to",
                    models.DateTimeField(blank=True, help_text="a search that was interrupted goes on here", null=True),
                ),
                (
                    "taken_until",
                    models.DateTimeField(blank=True, help_text="until then a worker searches", null=True),
                ),
            ],
        ),
        migrations.AddField(
            model_name="bloggeneration",
            name="draft_search_since",
            field=models.DateTimeField(
                blank=True,
                help_text="a backup was restored that may know too little: its draft is looked for before anything is made",
                null=True,
            ),
        ),
    ]
