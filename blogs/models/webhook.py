"""Where shops want to be told of their blogs, and each message that is to be told there (`outgoing/`)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

URL_MAX = 500
DESCRIPTION_MAX = 200
_OPEN = Q(due_at__isnull=False)


class WebhookEndpoint(models.Model):
    """An address of a shop's own that hears of its blogs. A worker sends to it, one message after the other.

    Nothing is stored for an endpoint that is off. A worker has it until `taken_until`, and writes down only what came of its own
    turn (`taken_by`).
    """

    class Off(models.TextChoices):
        SHOP = "shop", "switched off by the shop"
        STAFF = "staff", "switched off by staff"
        GONE = "gone", "it answered 410 Gone"
        FAILING = "failing", "it took nothing for days"
        DELETED = "deleted", "deleted by the shop"

    site = models.ForeignKey("wix.Site", models.PROTECT, related_name="webhook_endpoints", db_index=False)
    url = models.CharField(max_length=URL_MAX)
    description = models.CharField(max_length=DESCRIPTION_MAX, blank=True, db_default="")
    events = ArrayField(models.CharField(max_length=32), help_text="the types that it is told")
    sealed_secret = models.TextField()
    sealed_old_secret = models.TextField(blank=True, db_default="", help_text="also signs, until old_secret_until")
    old_secret_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    off_at = models.DateTimeField(null=True, blank=True)
    off_why = models.CharField(max_length=10, choices=Off, blank=True, db_default="")
    failures = models.PositiveIntegerField(default=0, db_default=0, help_text="in a row")
    failing_since = models.DateTimeField(null=True, blank=True)
    rests_until = models.DateTimeField(
        null=True, blank=True, help_text="after failures in a row nothing is sent for a while"
    )
    slow_until = models.DateTimeField(
        null=True, blank=True, help_text="until then it keeps only other slow ones waiting"
    )
    tried_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True, help_text="when it last took a message")
    taken_until = models.DateTimeField(null=True, blank=True, help_text="until then a worker sends to it")
    taken_by = models.UUIDField(null=True, blank=True)
    credits_low_at = models.DateTimeField(null=True, blank=True, help_text="when it was last told that credits are low")

    class Meta:
        permissions = [("steer_webhooks", "Can switch shops' webhook endpoints and send their messages again")]
        constraints = [
            models.CheckConstraint(
                condition=Q(off_at__isnull=True, off_why="") | Q(off_at__isnull=False) & ~Q(off_why=""),
                name="webhook_endpoint_off_why",
            ),
        ]
        indexes = [models.Index(fields=["site", "id"], name="webhook_endpoint_of_site")]

    def __str__(self) -> str:
        return f"webhook endpoint {self.pk}"


class WebhookMessage(models.Model):
    """One message to one endpoint: an event of a blog, stored in the transaction that makes it, and what became of sending it.

    `body` is written once, before it is first sent, so that a message that comes twice is the same. No foreign key to the blog: the
    check would lock its row, and blogs are pruned.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        FAILED = "failed", "given up"
        DROPPED = "dropped", "not sent: the endpoint was switched off"

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="messages", db_index=False)
    uuid = models.UUIDField(db_default=RandomUUID(), unique=True, help_text="the same however often it is sent")
    type = models.CharField(max_length=32)
    generation_id = models.BigIntegerField(null=True, blank=True)
    code = models.CharField(max_length=40, blank=True, db_default="", help_text="of an error, or why")
    created_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=10, choices=State, db_default="waiting")
    due_at = models.DateTimeField(null=True, blank=True, help_text="empty: it is over")
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    body = models.TextField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    answer_status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.CharField(max_length=200, blank=True, db_default="", help_text="what came of it, for a person")
    took_ms = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting", due_at__isnull=False) | ~Q(state="waiting") & Q(due_at__isnull=True),
                name="webhook_message_due",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "delivered", "failed", "dropped"]), name="webhook_message_state"
            ),
        ]
        indexes = [
            # Senders step from endpoint to endpoint by it.
            models.Index(fields=["endpoint", "due_at"], condition=_OPEN, name="webhook_message_due_of"),
            models.Index(fields=["endpoint", "-id"], name="webhook_message_of_endpoint"),
            models.Index(fields=["created_at"], name="webhook_message_by_age"),
        ]

    def __str__(self) -> str:
        return f"webhook message {self.pk}"

    @property
    def webhook_id(self) -> str:
        return f"msg_{self.uuid.hex}"
