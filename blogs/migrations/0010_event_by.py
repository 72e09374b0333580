import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("blogs", "0009_source_types_are_valid"),
    ]

    operations = [
        # The column keeps its name, so that old code goes on beside the new.
        migrations.AlterField(
            model_name="generationevent",
            name="worker",
            field=models.CharField(
                blank=True,
                db_column="worker",
                help_text="the worker (host:pid), or who asked for it (staff:ada)",
                max_length=100,
            ),
        ),
        migrations.RenameField(model_name="generationevent", old_name="worker", new_name="by"),
        migrations.AlterField(
            model_name="bloggeneration",
            name="deferred_since",
            field=models.DateTimeField(
                blank=True, help_text="since when it has only been put off, at no cost of an attempt", null=True
            ),
        ),
        migrations.AlterField(
            model_name="bloggeneration",
            name="draft_post_slug",
            field=models.CharField(
                blank=True, db_default="", help_text="the slug that Wix gave the draft", max_length=200
            ),
        ),
        migrations.AlterField(
            model_name="bloggeneration",
            name="post_url",
            field=models.CharField(
                blank=True, db_default="", help_text="set once the post is published", max_length=1000
            ),
        ),
        migrations.AlterField(
            model_name="bloggeneration",
            name="priority",
            field=models.SmallIntegerField(default=0, help_text="within a site, the blog with the lowest goes first"),
        ),
        migrations.AlterField(
            model_name="bloggeneration",
            name="publish_at",
            field=models.DateTimeField(blank=True, help_text="empty: publish it as soon as it is written", null=True),
        ),
        migrations.AlterField(
            model_name="bloggeneration",
            name="stage",
            field=models.CharField(
                choices=[
                    ("products", "Products"),
                    ("idea", "Idea"),
                    ("image_order", "Image Order"),
                    ("article", "Article"),
                    ("image", "Image"),
                    ("media", "Media"),
                    ("draft", "Draft"),
                    ("publish", "Publish"),
                ],
                default="products",
                help_text="the stage that runs, or runs next",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="bloggeneration",
            name="waits_for",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="the provider that is down; the blog waits for it, at most until `run_after`",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="queueclock",
            name="looked_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                help_text="when a claim last read the lines from the very head",
            ),
        ),
        migrations.AlterField(
            model_name="queueclock",
            name="lowest",
            field=models.FloatField(
                db_default=0, help_text="the lowest turn that waited a moment ago: claims read from here"
            ),
        ),
        migrations.AlterField(
            model_name="queueclock",
            name="next_lowest",
            field=models.FloatField(db_default=0, help_text="upper bound of `lowest` after the next look"),
        ),
        migrations.AlterField(
            model_name="siteline",
            name="waiting",
            field=models.PositiveIntegerField(default=0, help_text="how many of the site's blogs are ready"),
        ),
        migrations.AlterField(
            model_name="siteline",
            name="waiting_max",
            field=models.PositiveIntegerField(
                blank=True, help_text="most unfinished blogs, by the site's plan; empty: half the queue", null=True
            ),
        ),
    ]
