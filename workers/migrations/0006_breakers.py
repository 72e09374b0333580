import django.db.models.functions.datetime
from django.db import migrations, models

# So that staff find them before anything has failed.
_PROVIDERS = """
INSERT INTO workers_breaker (provider, code, reason, held_by, changed_by)
SELECT provider, '', '', '', '' FROM unnest(ARRAY['openai', 'replicate', 'wix', 'wix_token']) AS provider
    ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("workers", "0005_provider_calls"),
    ]

    operations = [
        migrations.CreateModel(
            name="Breaker",
            fields=[
                ("provider", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("opened_at", models.DateTimeField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("code", models.CharField(blank=True, max_length=40)),
                ("reason", models.CharField(blank=True, help_text="for staff; shops don't see it", max_length=500)),
                (
                    "held_by",
                    models.CharField(
                        blank=True, help_text="who of the staff holds it open: no probe closes it", max_length=100
                    ),
                ),
                ("probe_at", models.DateTimeField(blank=True, help_text="from when on one call may try", null=True)),
                ("probe_site", models.BigIntegerField(blank=True, help_text="whose call tried last", null=True)),
                ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "changed_by",
                    models.CharField(blank=True, help_text="who of the staff; empty: by itself", max_length=100),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BreakerFailure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=20)),
                ("site", models.BigIntegerField()),
                ("work", models.BigIntegerField()),
                ("refusal", models.BooleanField(default=False)),
                ("own", models.BooleanField(default=False, help_text="since then others have got through")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "indexes": [
                    models.Index(fields=["provider", "at"], name="breaker_failure_recent"),
                    models.Index(fields=["work"], name="breaker_failure_of_work"),
                ],
            },
        ),
        migrations.RunSQL(_PROVIDERS, migrations.RunSQL.noop),
    ]
