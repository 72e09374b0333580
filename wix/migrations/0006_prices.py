"""Add what a plan brings us, for the desk's margins. The old code neither reads nor writes it."""

from django.db import migrations, models

from workers.database import migrating


class Migration(migrations.Migration):
    dependencies = [
        ("wix", "0005_view_as_shop"),
    ]

    operations = [
        migrating.give_up_soon(),
        migrations.AddField(
            model_name="plan",
            name="monthly_price",
            field=models.DecimalField(
                blank=True,
                decimal_places=2,
                help_text="US dollars that a shop's month brings us, after Wix's share; empty: the desk shows no margin",
                max_digits=10,
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(("monthly_price__isnull", True), ("monthly_price__gte", 0), _connector="OR"),
                name="plan_price_not_negative",
            ),
        ),
    ]
