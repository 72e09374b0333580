"""The engine room's tables: worker processes, breakers, shared limits, counts and alerts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class WorkerProcess(models.Model):
    """A running `run_blog_worker`. It deletes its row when it stops. A killed worker's row is shown as lost for a day. So is
    the row of one whose release was found broken (`pool/verdict.py`)."""

    name = models.CharField(max_length=100, help_text="host:pid")
    threads = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())
    stopping = models.BooleanField(default=False)
    in_flight = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    waiting = models.JSONField(default=dict, help_text="threads that wait for a limit, by the limit's name")
    fed = models.FloatField(
        null=True, blank=True, help_text="how much all workers together should have in flight, as this one measures it"
    )

    release = models.CharField(max_length=100, blank=True, db_default="")
    broken_at = models.DateTimeField(null=True, blank=True, help_text="since when it takes probes only")
    broken_where = models.CharField(max_length=200, blank=True, db_default="", help_text="the steps that fail")
    broken_reason = models.CharField(max_length=200, blank=True, db_default="", help_text="shown to staff")

    class Meta:
        verbose_name_plural = "worker processes"

    def __str__(self) -> str:
        return self.name


class Breaker(models.Model):
    """Says whether calls to a provider may begin (`outbound/breakers.py`). Without a row, or without `opened_at`, they may."""

    provider = models.CharField(max_length=20, primary_key=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    code = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=500, blank=True, help_text="shown to staff, never to shops")
    held_by = models.CharField(
        max_length=100, blank=True, help_text="the member of staff who holds it open: no probe closes it"
    )
    probe_at = models.DateTimeField(null=True, blank=True, help_text="from this moment on one call may try")
    probe_party = models.BigIntegerField(
        null=True, blank=True, db_column="probe_site", help_text="the party (a site) whose call tried last"
    )
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.CharField(max_length=100, blank=True, help_text="the member of staff; empty: calls changed it")

    def __str__(self) -> str:
        return self.provider


class BreakerFailure(models.Model):
    """A call's failure that says more of the provider than of the work. It counts towards opening the breaker, unless it turns
    out to be the work's own."""

    provider = models.CharField(max_length=20)
    party = models.BigIntegerField(db_column="site", help_text="whose failures count as one: a site")
    work = models.BigIntegerField()
    refusal = models.BooleanField(default=False, help_text="of our key, quota or permission, or of the request")
    sign = models.CharField(
        max_length=100,
        blank=True,
        db_default="",
        help_text="names a refusal that no rule of ours knows: the same ones count",
    )
    own = models.BooleanField(default=False, help_text="the work's own fault, since calls of other works got through")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["provider", "at"], name="breaker_failure_recent"),
            models.Index(fields=["work"], name="breaker_failure_of_work"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.at:%H:%M:%S}"


class RateLimit(models.Model):
    """A budget that all workers share. The arithmetic is in `limits/statements.py`; all times are by PostgreSQL's clock.

    `requests_tat` and `tokens_tat` are GCRA's theoretical arrival times: when the next call would be exactly on pace.
    """

    provider = models.CharField(max_length=20)
    key = models.CharField(
        max_length=64, blank=True, help_text="the site's instance; empty for a budget that all sites share"
    )
    model = models.CharField(max_length=100, blank=True)
    requests_per_minute = models.PositiveIntegerField(help_text="as configured")
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True, help_text="as configured")
    requests_tat = models.DateTimeField(db_default=Now())
    tokens_tat = models.DateTimeField(db_default=Now())
    largest_tokens = models.PositiveIntegerField(
        default=0, help_text="the largest reservation so far; pacing leaves room for another one"
    )
    blocked_until = models.DateTimeField(null=True, blank=True)
    rejections = models.PositiveBigIntegerField(default=0, help_text="answers 429 so far")
    last_rejection_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(db_default=Now())

    # The limit that the provider's answers name. RATE_LIMIT_FOLLOW_PROVIDER says whether we obey it, RATE_LIMIT_FOLLOW_SECONDS
    # for how long after the last answer that named it.
    provider_requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    provider_tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    provider_requests_seen_at = models.DateTimeField(null=True, blank=True)
    provider_tokens_seen_at = models.DateTimeField(null=True, blank=True)
    provider_changed_at = models.DateTimeField(null=True, blank=True)
    provider_requests_remaining = models.PositiveIntegerField(null=True, blank=True)
    provider_tokens_remaining = models.PositiveIntegerField(null=True, blank=True)

    # After "too fast" the pace is this share of the full one at `lowered_at`. It rises by even ratios until `full_pace_at`.
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
    """What was used of a limit in five seconds, for staff, stats and charts. The limiter itself never reads it."""

    limit = models.ForeignKey(RateLimit, models.CASCADE, related_name="usage", db_index=False)
    started_at = models.DateTimeField()
    requests = models.PositiveIntegerField(default=0)
    tokens = models.PositiveBigIntegerField(default=0, help_text="as reserved")
    tokens_used = models.PositiveBigIntegerField(default=0, help_text="by the provider's answers")
    rejections = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["limit", "started_at"], name="rate_limit_usage_unique")]
        indexes = [models.Index(fields=["started_at"], name="rate_limit_usage_age")]
        verbose_name_plural = "rate limit usage"

    def __str__(self) -> str:
        return f"{self.limit_id} {self.started_at:%H:%M:%S}"


class ProcessCounts(models.Model):
    """What one process has counted since it started (`metrics.py`). The sum of all rows is what the service has counted.

    The row of a process that has ended is added to the row `ENDED`, so that the sum never goes back.
    """

    process = models.UUIDField(primary_key=True)
    at = models.DateTimeField(db_default=Now())
    counts = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "process counts"

    def __str__(self) -> str:
        return f"{self.process} {self.at:%H:%M:%S}"


class AlertNotice(models.Model):
    """One time in which an alert fired, and which of its begin and its end the alert webhook has been told."""

    name = models.CharField(max_length=30)
    severity = models.CharField(max_length=10)
    subject = models.CharField(max_length=60, blank=True, help_text="which provider, where an alert is about one")
    message = models.CharField(max_length=500)
    fired_at = models.DateTimeField(db_default=Now())
    cleared_at = models.DateTimeField(null=True, blank=True)
    told_fired_at = models.DateTimeField(null=True, blank=True)
    told_cleared_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    try_at = models.DateTimeField(db_default=Now(), help_text="not sooner; a sender moves it ahead before it sends")

    class Meta:
        constraints = [
            # However many workers look, an alert that fires is noted once.
            models.UniqueConstraint(
                fields=["name", "severity", "subject"],
                condition=Q(cleared_at__isnull=True),
                name="alert_notice_fires_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["try_at"],
                condition=Q(told_fired_at__isnull=True) | Q(cleared_at__isnull=False, told_cleared_at__isnull=True),
                name="alert_notice_untold",
            )
        ]

    def __str__(self) -> str:
        return " ".join(part for part in (self.name, self.severity, self.subject) if part)


class Installation(models.Model):
    """One row that says where this database stood when workers last worked on it (`database/installation.py`).

    A copy of the database carries the row with it, and stands elsewhere.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    system = models.CharField(
        max_length=20, blank=True, help_text="the server's system identifier; empty: not readable"
    )
    database = models.BigIntegerField(help_text="the database's oid")
    table = models.BigIntegerField(db_column="table_oid", help_text="this table's oid")
    timeline = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="rises when a standby is promoted or a server is recovered; empty: not readable",
    )
    renewed_at = models.DateTimeField(
        db_default=Now(), help_text="when workers last found everything as it stands here"
    )
    settled_at = models.DateTimeField(
        null=True, blank=True, help_text="when a copy, or a promoted standby, was taken on"
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_is_one_row")]

    def __str__(self) -> str:
        return f"timeline {self.timeline} of {self.system or 'a server'}"
