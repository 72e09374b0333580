"""Give breakers' failures a sign, so that only refusals of the same sign count together. The old code leaves it empty."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workers", "0007_breaker_parties")]

    operations = [
        migrations.AddField(
            model_name="breakerfailure",
            name="sign",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="names a refusal that no rule of ours knows: the same ones count",
                max_length=100,
            ),
        ),
        migrations.AlterField(
            model_name="breakerfailure",
            name="refusal",
            field=models.BooleanField(default=False, help_text="of our key, quota or permission, or of the request"),
        ),
    ]
