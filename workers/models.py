"""The engine room's tables: who works, and what the shared limits are."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class WorkerProcess(models.Model):
    """One running `run_blog_worker`. Its row goes when it stops; a killed one is shown as lost, and pruned after a day."""

    name = models.CharField(max_length=100, help_text="host:pid")
    threads = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())
    stopping = models.BooleanField(default=False)
    in_flight = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    waiting = models.JSONField(default=dict, help_text="threads waiting for a limit, by the limit's name")

    class Meta:
        verbose_name_plural = "worker processes"

    def __str__(self) -> str:
        return self.name


class Breaker(models.Model):
    """Whether a provider is asked at all (`breakers.py`). No row, or no `opened_at`: it is."""

    provider = models.CharField(max_length=20, primary_key=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    code = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=500, blank=True, help_text="for staff; shops don't see it")
    held_by = models.CharField(
        max_length=100, blank=True, help_text="who of the staff holds it open: no probe closes it"
    )
    probe_at = models.DateTimeField(null=True, blank=True, help_text="from when on one call may try")
    probe_site = models.BigIntegerField(null=True, blank=True, help_text="whose call tried last")
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.CharField(max_length=100, blank=True, help_text="who of the staff; empty: by itself")

    def __str__(self) -> str:
        return self.provider


class BreakerFailure(models.Model):
    """A failure that any work's call might have met: it may open a breaker, or turn out to be the work's own."""

    provider = models.CharField(max_length=20)
    site = models.BigIntegerField()
    work = models.BigIntegerField()
    refusal = models.BooleanField(default=False)
    own = models.BooleanField(default=False, help_text="since then others have got through")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["provider", "at"], name="breaker_failure_recent"),
            models.Index(fields=["work"], name="breaker_failure_of_work"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.at:%H:%M:%S}"


class RateLimit(models.Model):
    """One budget that all workers share. The arithmetic is in `rate_limit_sql.py`; times are PostgreSQL's, not ours.

    `requests_tat` and `tokens_tat` are GCRA's theoretical arrival times: when the next call would be exactly on pace.
    """

    provider = models.CharField(max_length=20)
    key = models.CharField(max_length=64, blank=True, help_text="whose budget: a Wix instance; empty for one of ours")
    model = models.CharField(max_length=100, blank=True)
    requests_per_minute = models.PositiveIntegerField(help_text="as configured")
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True, help_text="as configured")
    requests_tat = models.DateTimeField(db_default=Now())
    tokens_tat = models.DateTimeField(db_default=Now())
    largest_tokens = models.PositiveIntegerField(
        default=0, help_text="largest reservation so far; pacing leaves room for it"
    )
    blocked_until = models.DateTimeField(null=True, blank=True)
    rejections = models.PositiveBigIntegerField(default=0, help_text="429s that the provider answered")
    last_rejection_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(db_default=Now())

    # What the provider's answers name: obeyed as RATE_LIMIT_FOLLOW_PROVIDER says, while it is not older than a few minutes.
    provider_requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    provider_tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    provider_requests_seen_at = models.DateTimeField(null=True, blank=True)
    provider_tokens_seen_at = models.DateTimeField(null=True, blank=True)
    provider_changed_at = models.DateTimeField(null=True, blank=True)
    provider_requests_remaining = models.PositiveIntegerField(null=True, blank=True)
    provider_tokens_remaining = models.PositiveIntegerField(null=True, blank=True)

    # After "too fast": this share of the pace at `lowered_at`, all of it again at `full_pace_at`, by even ratios in between.
    lowered_to = models.FloatField(db_default=1.0)
    lowered_at = models.DateTimeField(null=True, blank=True)
    full_pace_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "key", "model"], name="rate_limit_unique"),
            models.CheckConstraint(condition=Q(requests_per_minute__gt=0), name="rate_limit_requests_positive"),
            models.CheckConstraint(
                condition=Q(tokens_per_minute__isnull=True) | Q(tokens_per_minute__gt=0),
                name="rate_limit_tokens_positive",
            ),
        ]

    def __str__(self) -> str:
        return " ".join(part for part in (self.provider, self.model, self.key) if part)


class RateLimitUsage(models.Model):
    """What was used in five seconds, for people: staff, stats and charts. The limiter itself never reads it."""

    limit = models.ForeignKey(RateLimit, models.CASCADE, related_name="usage", db_index=False)
    started_at = models.DateTimeField()
    requests = models.PositiveIntegerField(default=0)
    tokens = models.PositiveBigIntegerField(default=0, help_text="as reserved")
    tokens_used = models.PositiveBigIntegerField(default=0, help_text="as the provider's answers said")
    rejections = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["limit", "started_at"], name="rate_limit_usage_unique")]
        indexes = [models.Index(fields=["started_at"], name="rate_limit_usage_age")]
        verbose_name_plural = "rate limit usage"

    def __str__(self) -> str:
        return f"{self.limit_id} {self.started_at:%H:%M:%S}"


class ProviderCall(models.Model):
    """A paid call and what it took, written by `rate_limits.settle`. Whose work it was is known by number only: those who made it
    may be gone."""

    provider = models.CharField(max_length=20)
    operation = models.CharField(max_length=40)
    kind = models.CharField(max_length=40, blank=True, help_text="of calls that are alike, such as article:medium")
    language = models.CharField(max_length=10, blank=True)
    work = models.BigIntegerField(null=True, blank=True)
    site = models.BigIntegerField(null=True, blank=True)
    at = models.DateTimeField(db_default=Now(), help_text="when it ended")
    seconds = models.FloatField()
    outcome = models.CharField(max_length=40, help_text="ok, or an error's code")
    request_id = models.CharField(max_length=100, blank=True, help_text="the provider's")
    tokens_reserved = models.PositiveIntegerField()
    prompt_bytes = models.PositiveIntegerField()
    prompt_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_max = models.PositiveIntegerField()
    truncated = models.BooleanField()
    images = models.PositiveSmallIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["work"], name="provider_call_of_work"),
            models.Index(fields=["at"], name="provider_call_age"),
            # What is learned from: the newest of a kind, in a language or in all.
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
