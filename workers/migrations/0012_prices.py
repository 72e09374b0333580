"""Add the model of each call, prices, and sums of what calls took. The cost of calls that the old code writes
stays unknown, since they name no model."""

import django.db.models.functions.datetime
from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [
        ("workers", "0011_installation"),
    ]

    operations = [
        migrating.give_up_soon(),
        migrations.AddField(
            model_name="providercall",
            name="cached_tokens",
            field=models.PositiveIntegerField(
                blank=True, help_text="how many of the prompt's tokens the provider had in its cache", null=True
            ),
        ),
        migrations.AddField(
            model_name="providercall",
            name="model",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="whose price the call has; empty: not known, or a call is free",
                max_length=100,
            ),
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=20)),
                ("model", models.CharField(help_text="as the settings name it, such as gpt-4.1-mini", max_length=100)),
                ("valid_from", models.DateField(help_text="the first day (UTC) on which it counts")),
                (
                    "input_per_million",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="US dollars for a million tokens of prompts",
                        max_digits=12,
                        null=True,
                    ),
                ),
                (
                    "cached_per_million",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="for those that the provider had in its cache; empty: like all others",
                        max_digits=12,
                        null=True,
                    ),
                ),
                (
                    "output_per_million",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="US dollars for a million tokens of answers",
                        max_digits=12,
                        null=True,
                    ),
                ),
                (
                    "per_picture",
                    models.DecimalField(
                        blank=True, decimal_places=6, help_text="US dollars for a picture", max_digits=12, null=True
                    ),
                ),
                ("reason", models.CharField(max_length=300)),
                ("by", models.CharField(help_text="who entered it", max_length=150)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "indexes": [models.Index(fields=["provider", "model", "valid_from", "-id"], name="price_of_model")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("input_per_million__isnull", True), ("output_per_million__isnull", True)),
                            models.Q(("input_per_million__gte", 0), ("output_per_million__gte", 0)),
                            _connector="OR",
                        ),
                        name="price_of_tokens_is_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("cached_per_million__isnull", True),
                            models.Q(("cached_per_million__gte", 0), ("input_per_million__isnull", False)),
                            _connector="OR",
                        ),
                        name="price_of_cached_tokens",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("per_picture__isnull", True), ("per_picture__gte", 0), _connector="OR"),
                        name="price_of_pictures",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Spend",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(help_text="in UTC")),
                ("site", models.BigIntegerField(help_text="0: all calls together, with those of no site")),
                ("provider", models.CharField(max_length=20)),
                ("model", models.CharField(blank=True, max_length=100)),
                ("billed", models.PositiveIntegerField(help_text="calls that told what they took")),
                (
                    "untold",
                    models.PositiveIntegerField(
                        help_text="calls that may cost something, and did not tell what they took"
                    ),
                ),
                ("prompt_tokens", models.PositiveBigIntegerField()),
                ("cached_tokens", models.PositiveBigIntegerField()),
                ("output_tokens", models.PositiveBigIntegerField()),
                ("images", models.PositiveIntegerField()),
            ],
            options={
                "verbose_name": "spend",
                "verbose_name_plural": "spend",
                "indexes": [models.Index(fields=["day"], name="spend_age")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("site", "day", "provider", "model"), name="spend_once_a_day_and_model"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SpendMark",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("folded_to", models.DateTimeField()),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="spend_mark_is_one_row")],
            },
        ),
        migrations.RunSQL(
            """
            CREATE FUNCTION workers_refuse_price_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'prices are never changed or deleted; enter another one with the same first day'
                    USING ERRCODE = 'integrity_constraint_violation';
            END $$;
            CREATE TRIGGER price_is_append_only BEFORE UPDATE OR DELETE ON workers_price
                FOR EACH ROW EXECUTE FUNCTION workers_refuse_price_change();
            """,
            reverse_sql="""
            DROP TRIGGER price_is_append_only ON workers_price;
            DROP FUNCTION workers_refuse_price_change();
            """,
        ),
    ]
