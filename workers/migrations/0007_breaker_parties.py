"""Rename two fields whose columns keep their names, and reword help texts: no statement reaches the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workers", "0006_breakers")]

    operations = [
        migrations.AlterField(
            "breaker", "probe_site", models.BigIntegerField(blank=True, db_column="probe_site", null=True)
        ),
        migrations.RenameField("breaker", "probe_site", "probe_party"),
        migrations.AlterField("breakerfailure", "site", models.BigIntegerField(db_column="site")),
        migrations.RenameField("breakerfailure", "site", "party"),
        migrations.AlterField(
            model_name="breaker",
            name="changed_by",
            field=models.CharField(
                blank=True, help_text="the member of staff; empty: calls changed it", max_length=100
            ),
        ),
        migrations.AlterField(
            model_name="breaker",
            name="held_by",
            field=models.CharField(
                blank=True, help_text="the member of staff who holds it open: no probe closes it", max_length=100
            ),
        ),
        migrations.AlterField(
            model_name="breaker",
            name="probe_at",
            field=models.DateTimeField(blank=True, help_text="from this moment on one call may try", null=True),
        ),
        migrations.AlterField(
            model_name="breaker",
            name="probe_party",
            field=models.BigIntegerField(
                blank=True, db_column="probe_site", help_text="the party (a site) whose call tried last", null=True
            ),
        ),
        migrations.AlterField(
            model_name="breaker",
            name="reason",
            field=models.CharField(blank=True, help_text="shown to staff, never to shops", max_length=500),
        ),
        migrations.AlterField(
            model_name="breakerfailure",
            name="own",
            field=models.BooleanField(
                default=False, help_text="the work's own fault, since calls of other works got through"
            ),
        ),
        migrations.AlterField(
            model_name="breakerfailure",
            name="party",
            field=models.BigIntegerField(db_column="site", help_text="whose failures count as one: a site"),
        ),
        migrations.AlterField(
            model_name="breakerfailure",
            name="refusal",
            field=models.BooleanField(default=False, help_text="of our key, quota or permission"),
        ),
        migrations.AlterField(
            model_name="providercall",
            name="kind",
            field=models.CharField(
                blank=True, help_text="names calls that are alike, such as article:medium", max_length=40
            ),
        ),
        migrations.AlterField(
            model_name="providercall",
            name="request_id",
            field=models.CharField(blank=True, help_text="the provider's name for the call", max_length=100),
        ),
        migrations.AlterField(
            model_name="ratelimit",
            name="key",
            field=models.CharField(
                blank=True, help_text="the site's instance; empty for a budget that all sites share", max_length=64
            ),
        ),
        migrations.AlterField(
            model_name="ratelimit",
            name="largest_tokens",
            field=models.PositiveIntegerField(
                default=0, help_text="the largest reservation so far; pacing leaves room for another one"
            ),
        ),
        migrations.AlterField(
            model_name="ratelimit",
            name="rejections",
            field=models.PositiveBigIntegerField(default=0, help_text="answers 429 so far"),
        ),
        migrations.AlterField(
            model_name="ratelimitusage",
            name="tokens_used",
            field=models.PositiveBigIntegerField(default=0, help_text="by the provider's answers"),
        ),
        migrations.AlterField(
            model_name="workerprocess",
            name="waiting",
            field=models.JSONField(default=dict, help_text="threads that wait for a limit, by the limit's name"),
        ),
    ]
