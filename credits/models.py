"""The ledger's two tables. Only `ledger.py` writes them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class CreditAccount(models.Model):
    """A site's credits. Money moves under the lock of its row; what can be spent is `balance - held`."""

    site = models.OneToOneField("wix.Site", models.PROTECT, related_name="credit_account")
    balance = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    debt = models.BigIntegerField(default=0, help_text="charged back beyond the balance; the next grant pays it first")

    closings = models.IntegerField(
        default=0, db_default=0, help_text="how often the app was removed; a hold that was begun before is refused"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(held__gte=0, balance__gte=F("held"), debt__gte=0), name="credit_account_never_overdrawn"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site}: {self.available} available"

    @property
    def available(self) -> int:
        return self.balance - self.held


class Credit(models.Model):
    """One entry of the ledger. It is never edited or deleted (a trigger refuses both); a correction is an `adjust`.

    `amount` is always positive; `balance_change` and `debt_change` say what the entry did to the account. The balance changes of a
    blog sum to 0 or to minus its price; a refund pays a debt first.
    """

    class Kind(models.TextChoices):
        GRANT = "grant"
        HOLD = "hold"
        CAPTURE = "capture"
        RELEASE = "release"
        ADJUST = "adjust"
        REFUND = "refund"

    account = models.ForeignKey(CreditAccount, models.PROTECT, related_name="entries", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    amount = models.PositiveBigIntegerField()
    balance_change = models.BigIntegerField()
    debt_change = models.BigIntegerField(default=0)
    # No foreign key in the database: finished blogs are pruned one day, and their entries stay.
    generation = models.ForeignKey(
        "blogs.BlogGeneration",
        models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="credits",
    )
    hold = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="settlements", db_index=False)
    hold_number = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="of a hold: how many of this blog's holds were released before it"
    )
    reason = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    idempotency_key = models.CharField(max_length=100, null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        permissions = [
            ("grant_credits", "Can give and take credits, up to a cap"),
            ("grant_many_credits", "Can give and take credits beyond the cap"),
            ("put_in_debt", "Can take more credits than a shop has"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["grant", "hold", "capture", "release", "adjust", "refund"]), name="credit_kind"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="credit_amount_positive"),
            models.CheckConstraint(
                condition=Q(kind__in=["hold", "release"], balance_change=0, debt_change=0)
                | Q(kind="capture", balance_change=-F("amount"), debt_change=0)
                | (
                    Q(kind__in=["grant", "refund"], debt_change__lte=0)
                    & Q(balance_change=F("amount") + F("debt_change"))
                )
                | (Q(kind="adjust") & Q(balance_change=F("debt_change") + F("amount")))
                | (Q(kind="adjust") & Q(balance_change=F("debt_change") - F("amount"))),
                name="credit_weight",
            ),
            models.CheckConstraint(
                condition=Q(kind="hold", generation__isnull=False, hold__isnull=True, hold_number__isnull=False)
                | Q(
                    kind__in=["capture", "release"],
                    generation__isnull=False,
                    hold__isnull=False,
                    hold_number__isnull=True,
                )
                | Q(kind="refund", generation__isnull=False, hold__isnull=True, hold_number__isnull=True)
                | Q(kind__in=["grant", "adjust"], hold__isnull=True, hold_number__isnull=True),
                name="credit_shape",
            ),
            models.UniqueConstraint(
                fields=["generation"], condition=Q(kind="capture"), name="credit_one_capture_a_blog_ever"
            ),
            models.UniqueConstraint(
                fields=["generation"], condition=Q(kind="refund"), name="credit_one_refund_a_blog_ever"
            ),
            models.UniqueConstraint(
                fields=["hold"], condition=Q(kind__in=["capture", "release"]), name="credit_hold_settled_once"
            ),
            # A second hold would get the same number as long as the first is open.
            models.UniqueConstraint(
                fields=["generation", "hold_number"], condition=Q(kind="hold"), name="credit_one_open_hold_a_blog"
            ),
            models.UniqueConstraint(fields=["idempotency_key"], name="credit_idempotency_key"),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="credit_of_account"),
            models.Index(fields=["generation"], name="credit_of_generation", condition=Q(generation__isnull=False)),
            # A month's use. Its shops ask for it at will.
            models.Index(
                fields=["account", "created_at"],
                name="credit_spent_of_account",
                condition=Q(kind__in=["capture", "refund"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"
