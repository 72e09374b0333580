"""Refunds. The checks are added without reading the table, and validated in 0005, so that no worker waits for it."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q

from workers.database import migrating

_KIND = models.CheckConstraint(
    condition=Q(kind__in=["grant", "hold", "capture", "release", "adjust", "refund"]), name="credit_kind"
)
_WEIGHT = models.CheckConstraint(
    condition=Q(kind__in=["hold", "release"], balance_change=0, debt_change=0)
    | Q(kind="capture", balance_change=-F("amount"), debt_change=0)
    | (Q(kind__in=["grant", "refund"], debt_change__lte=0) & Q(balance_change=F("amount") + F("debt_change")))
    | (Q(kind="adjust") & Q(balance_change=F("debt_change") + F("amount")))
    | (Q(kind="adjust") & Q(balance_change=F("debt_change") - F("amount"))),
    name="credit_weight",
)
_SHAPE = models.CheckConstraint(
    condition=Q(kind="hold", generation__isnull=False, hold__isnull=True, hold_number__isnull=False)
    | Q(kind__in=["capture", "release"], generation__isnull=False, hold__isnull=False, hold_number__isnull=True)
    | Q(kind="refund", generation__isnull=False, hold__isnull=True, hold_number__isnull=True)
    | Q(kind__in=["grant", "adjust"], hold__isnull=True, hold_number__isnull=True),
    name="credit_shape",
)


class Migration(migrations.Migration):
    dependencies = [("credits", "0003_permissions")]

    operations = [
        migrating.give_up_soon(),
        migrations.AlterField(
            "credit",
            "kind",
            models.CharField(
                choices=[
                    ("grant", "Grant"),
                    ("hold", "Hold"),
                    ("capture", "Capture"),
                    ("release", "Release"),
                    ("adjust", "Adjust"),
                    ("refund", "Refund"),
                ],
                max_length=10,
            ),
        ),
        migrations.RemoveConstraint("credit", "credit_kind"),
        AddConstraintNotValid("credit", _KIND),
        migrations.RemoveConstraint("credit", "credit_weight"),
        AddConstraintNotValid("credit", _WEIGHT),
        migrations.RemoveConstraint("credit", "credit_shape"),
        AddConstraintNotValid("credit", _SHAPE),
    ]
