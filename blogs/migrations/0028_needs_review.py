"""Mark blogs whose article is held for a person. The old code holds none."""

from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [("blogs", "0027_promises")]

    operations = [
        migrating.give_up_soon(),
        migrations.AddField(
            model_name="bloggeneration",
            name="needs_review",
            field=models.BooleanField(
                db_default=False, help_text="its article is held: a person decides whether it is published"
            ),
        ),
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
                    ("refunded", "Refunded"),
                    ("ordered", "asked for at Wix"),
                    ("published", "published again"),
                    ("draft_made", "draft made again"),
                    ("article_revised", "article revised"),
                ],
                max_length=16,
            ),
        ),
        migrations.RemoveConstraint(model_name="postorder", name="post_order_kind"),
        migrations.AlterField(
            model_name="postorder",
            name="kind",
            field=models.CharField(
                choices=[
                    ("look", "look at what Wix holds"),
                    ("publish", "publish again"),
                    ("draft", "make the draft again"),
                    ("repair", "repair the article once more"),
                    ("rewrite", "write the article from the start"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="postorder",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["look", "publish", "draft", "repair", "rewrite"])),
                name="post_order_kind",
            ),
        ),
    ]
