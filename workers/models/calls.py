"""What paid calls took, what they cost, and their sums by day. Prices stand apart from what was used, so that one which is entered
late counts for all calls since its first day."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class ProviderCall(models.Model):
    """A paid call and what it took, written by `limits.settle`. It names its work and site by number and without a foreign key,
    because it stays when they are deleted."""

    provider = models.CharField(max_length=20)
    operation = models.CharField(max_length=40)
    model = models.CharField(
        max_length=100,
        blank=True,
        db_default="",
        help_text="whose price the call has; empty: not known, or a call is free",
    )
    kind = models.CharField(max_length=40, blank=True, help_text="names calls that are alike, such as article:medium")
    language = models.CharField(max_length=10, blank=True)
    work = models.BigIntegerField(null=True, blank=True)
    site = models.BigIntegerField(null=True, blank=True)
    at = models.DateTimeField(db_default=Now(), help_text="when it ended")
    seconds = models.FloatField()
    outcome = models.CharField(max_length=40, help_text="ok, or an error's code")
    request_id = models.CharField(max_length=100, blank=True, help_text="the provider's name for the call")
    tokens_reserved = models.PositiveIntegerField()
    prompt_bytes = models.PositiveIntegerField()
    prompt_tokens = models.PositiveIntegerField(null=True, blank=True)
    cached_tokens = models.PositiveIntegerField(
        null=True, blank=True, help_text="how many of the prompt's tokens the provider had in its cache"
    )
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_max = models.PositiveIntegerField()
    truncated = models.BooleanField()
    images = models.PositiveSmallIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["work"], name="provider_call_of_work"),
            models.Index(fields=["at"], name="provider_call_age"),
            models.Index(fields=["request_id"], condition=~Q(request_id=""), name="provider_call_by_request"),
            # For `provider_calls.recent`: the newest calls of a kind, in one language or in all.
            models.Index(
                fields=["kind", "language", "-id"],
                name="provider_call_alike",
                condition=Q(output_tokens__isnull=False),
            ),
            models.Index(
                fields=["kind", "-id"], name="provider_call_of_kind", condition=Q(output_tokens__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.operation} {self.request_id}"


def _price(help_text: str) -> Any:
    return models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True, help_text=help_text)


class Price(models.Model):
    """What a model costs from a day on, in US dollars, as its provider bills. A trigger refuses to change or delete a row.

    A price holds until the next one of its model begins. Of two that begin on the same day, the one that was entered last counts:
    so a mistake is corrected, and stays visible. Without any number it says that from that day on the price is not known.
    """

    provider = models.CharField(max_length=20)
    model = models.CharField(max_length=100, help_text="as the settings name it, such as gpt-4.1-mini")
    valid_from = models.DateField(help_text="the first day (UTC) on which it counts")
    input_per_million = _price("US dollars for a million tokens of prompts")
    cached_per_million = _price("for those that the provider had in its cache; empty: like all others")
    output_per_million = _price("US dollars for a million tokens of answers")
    per_picture = _price("US dollars for a picture")
    reason = models.CharField(max_length=300)
    by = models.CharField(max_length=150, help_text="who entered it")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(input_per_million__isnull=True, output_per_million__isnull=True)
                | Q(input_per_million__gte=0, output_per_million__gte=0),
                name="price_of_tokens_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(cached_per_million__isnull=True)
                | Q(cached_per_million__gte=0, input_per_million__isnull=False),
                name="price_of_cached_tokens",
            ),
            models.CheckConstraint(
                condition=Q(per_picture__isnull=True) | Q(per_picture__gte=0), name="price_of_pictures"
            ),
        ]
        indexes = [models.Index(fields=["provider", "model", "valid_from", "-id"], name="price_of_model")]

    def __str__(self) -> str:
        return f"{self.model} from {self.valid_from:%Y-%m-%d}"


class Spend(models.Model):
    """What the calls of a day took, by site and model: sums of those before `SpendMark.folded_to` (`limits/spending.py`)."""

    day = models.DateField(help_text="in UTC")
    site = models.BigIntegerField(help_text="0: all calls together, with those of no site")
    provider = models.CharField(max_length=20)
    model = models.CharField(max_length=100, blank=True)
    billed = models.PositiveIntegerField(help_text="calls that told what they took")
    untold = models.PositiveIntegerField(help_text="calls that may cost something, and did not tell what they took")
    prompt_tokens = models.PositiveBigIntegerField()
    cached_tokens = models.PositiveBigIntegerField()
    output_tokens = models.PositiveBigIntegerField()
    images = models.PositiveIntegerField()

    class Meta:
        verbose_name = verbose_name_plural = "spend"
        constraints = [
            models.UniqueConstraint(fields=["site", "day", "provider", "model"], name="spend_once_a_day_and_model")
        ]
        indexes = [models.Index(fields=["day"], name="spend_age")]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.provider} {self.model}"


class SpendMark(models.Model):
    """One row: until when calls are summed up in `Spend`. Later ones are read one by one."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    folded_to = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="spend_mark_is_one_row")]

    def __str__(self) -> str:
        return f"summed up to {self.folded_to:%Y-%m-%d %H:%M:%S}"
