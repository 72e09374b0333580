"""The queue's tables. Each rule that says "never" is a constraint here; what moves a blog is in `queue/lifecycle.py`."""

from __future__ import annotations

import math
import time

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Left, Lower, Now

from wix import languages

SOURCE_ID_MAX = 255
PROMPT_MAX = 2_000
# Wix allows no more.
CATEGORIES_MAX = 10
CATEGORY_MAX = 35
# An index takes no long prompts. Support staff search by how a prompt begins.
SOURCE_ID_INDEXED = 100


class Status(models.TextChoices):
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


UNFINISHED = (Status.PENDING, Status.PROCESSING)


class SourceType(models.TextChoices):
    KEYWORD = "keyword"
    PRODUCT = "product"
    COLLECTION = "collection"
    TITLE = "title"
    PROMPT = "prompt"


class Tone(models.TextChoices):
    FRIENDLY = "friendly"
    PROFESSIONAL = "professional"
    PLAYFUL = "playful"
    INSPIRING = "inspiring"
    EXPERT = "expert"


class Length(models.TextChoices):
    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


class Cover(models.TextChoices):
    """Says where the picture at the head of the post comes from."""

    GENERATED = "generated"
    PRODUCT = "product", "product's own photo"


class Stage(models.TextChoices):
    """Names the stages, in the order in which `pipeline.py` runs them."""

    PRODUCTS = "products"
    IDEA = "idea"
    IMAGE_ORDER = "image_order"
    ARTICLE = "article"
    IMAGE = "image"
    MEDIA = "media"
    DRAFT = "draft"
    PUBLISH = "publish"


class BlogGeneration(models.Model):
    """One requested blog. The queue works on this row, so it is narrow: texts and history stand in other tables.

    A PENDING blog that is `ready` stands in its site's line. One that is not waits until `run_after`, for a schedule, a retry or
    a limit; its last event says for which. The lease columns are set if and only if the blog is PROCESSING.
    """

    site = models.ForeignKey("wix.Site", models.PROTECT, related_name="generations", db_index=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    source_type = models.CharField(max_length=10, choices=SourceType)
    source_id = models.CharField(max_length=PROMPT_MAX)
    language = models.CharField(max_length=languages.TAG_MAX, blank=True)
    tone = models.CharField(max_length=20, choices=Tone, default=Tone.FRIENDLY)
    length = models.CharField(max_length=10, choices=Length, default=Length.MEDIUM)
    cover = models.CharField(max_length=10, choices=Cover, default=Cover.GENERATED, db_default=Cover.GENERATED)
    categories = ArrayField(
        models.CharField(max_length=CATEGORY_MAX), default=list, db_default=[], size=CATEGORIES_MAX, blank=True
    )
    publish = models.BooleanField(default=False)
    publish_at = models.DateTimeField(null=True, blank=True, help_text="empty: publish it as soon as it is written")
    scheduled_at = models.DateTimeField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)

    priority = models.SmallIntegerField(default=0, help_text="within a site, the blog with the lowest goes first")
    ready = models.BooleanField(default=False)
    run_after = models.DateTimeField(null=True, blank=True)
    waits_for = models.CharField(
        max_length=20,
        blank=True,
        db_default="",
        help_text="the provider that is down; the blog waits for it, at most until `run_after`",
    )
    deferred_since = models.DateTimeField(
        null=True, blank=True, help_text="since when it has only been put off, at no cost of an attempt"
    )
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    stage = models.CharField(
        max_length=12, choices=Stage, default=Stage.PRODUCTS, help_text="the stage that runs, or runs next"
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    rescues = models.PositiveSmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    worker = models.ForeignKey(
        "workers.WorkerProcess", models.DO_NOTHING, null=True, blank=True, db_constraint=False, db_index=False
    )

    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    draft_create_started_at = models.DateTimeField(null=True, blank=True)
    draft_sweep_at = models.DateTimeField(null=True, blank=True)
    draft_post_id = models.UUIDField(null=True, blank=True)
    draft_post_url = models.CharField(max_length=1_000, blank=True)
    draft_post_slug = models.CharField(
        max_length=200, blank=True, db_default="", help_text="the slug that Wix gave the draft"
    )
    post_url = models.CharField(max_length=1_000, blank=True, db_default="", help_text="set once the post is published")

    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    # No columns. Only the worker that runs the blog knows them: until when (monotonic time) it renews the lease, and its own name.
    renew_until: float = math.inf
    worker_name: str = ""

    class Meta:
        db_table = "blog_generations"
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="blog_status"),
            models.CheckConstraint(condition=Q(source_type__in=SourceType.values), name="blog_source_type"),
            models.CheckConstraint(
                condition=Q(status="PROCESSING", lease_token__isnull=False, lease_expires_at__isnull=False)
                | (~Q(status="PROCESSING") & Q(lease_token__isnull=True, lease_expires_at__isnull=True)),
                name="blog_lease_iff_processing",
            ),
            models.CheckConstraint(
                condition=Q(status="PENDING", ready=True, run_after__isnull=True)
                | Q(status="PENDING", ready=False, run_after__isnull=False)
                | (~Q(status="PENDING") & Q(ready=False, run_after__isnull=True)),
                name="blog_pending_is_ready_or_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["DONE", "FAILED", "CANCELLED"], finished_at__isnull=False)
                | Q(status__in=["PENDING", "PROCESSING"], finished_at__isnull=True),
                name="blog_finished_iff_final",
            ),
            models.CheckConstraint(
                condition=~Q(status="DONE") | Q(draft_post_id__isnull=False), name="blog_done_has_a_draft"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["FAILED", "CANCELLED"]) | Q(draft_post_id__isnull=True),
                name="blog_with_a_draft_is_never_lost",
            ),
            models.CheckConstraint(condition=~Q(status="FAILED") | ~Q(error_code=""), name="blog_failed_says_why"),
            models.UniqueConstraint(
                fields=["site", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="blog_one_row_an_idempotency_key",
            ),
            models.UniqueConstraint(
                fields=["draft_post_id"], condition=Q(draft_post_id__isnull=False), name="blog_draft_belongs_to_one"
            ),
        ]
        indexes = [
            # A site's line: by priority, then blogs that have run before, then age. False sorts before true.
            models.Index(
                "site", "priority", RawSQL("(started_at IS NULL)", ()), "id", condition=Q(ready=True), name="blog_line"
            ),
            models.Index(fields=["created_at"], condition=Q(ready=True), name="blog_ready"),
            models.Index(fields=["run_after"], condition=Q(status="PENDING", ready=False), name="blog_due"),
            # Not by lease_expires_at: a renewal would rewrite every index of the row, and few blogs run at a time.
            models.Index(fields=["worker"], condition=Q(status="PROCESSING"), name="blog_running"),
            models.Index(
                fields=["waits_for"],
                condition=Q(status="PENDING", ready=False) & ~Q(waits_for=""),
                name="blog_waits_for",
            ),
            models.Index(fields=["draft_sweep_at"], condition=Q(draft_sweep_at__isnull=False), name="blog_sweep"),
            models.Index(
                fields=["site", "scheduled_at"], condition=Q(status="PENDING", ready=False), name="blog_scheduled"
            ),
            models.Index(fields=["site", "-id"], name="blog_of_site"),
            models.Index(fields=["site", "status", "-id"], name="blog_of_site_by_status"),
            models.Index(fields=["status", "-id"], name="blog_by_status"),
            models.Index(fields=["error_code", "-id"], condition=~Q(error_code=""), name="blog_by_error"),
            models.Index(fields=["-finished_at"], condition=Q(finished_at__isnull=False), name="blog_finished"),
            # Asked at each request (`queue/failures.py`). Few blogs fail, so it is small.
            models.Index(fields=["site", "finished_at"], condition=Q(status="FAILED"), name="blog_failed_of_site"),
            models.Index(
                OpClass(Lower(Left("source_id", SOURCE_ID_INDEXED)), name="text_pattern_ops"), name="blog_by_source"
            ),
        ]

    def __str__(self) -> str:
        return f"Blog {self.pk}"

    @property
    def overdue(self) -> bool:
        """Say whether its stage has outstayed its deadline. Its lease is renewed no more: a hung call must not look alive."""
        return time.monotonic() > self.renew_until

    @property
    def is_finished(self) -> bool:
        return self.status not in UNFINISHED


class SiteLine(models.Model):
    """A site's place in the fair order: the turn belongs to the line, not to its blogs (`queue/lines.py`).

    A transaction locks it before any blog row that others can see.
    """

    site = models.OneToOneField("wix.Site", models.PROTECT, primary_key=True, related_name="line")
    turn = models.FloatField(default=0)
    step = models.FloatField(default=1, help_text="1 / weight: how far one start moves the turn")
    waiting = models.PositiveIntegerField(default=0, help_text="how many of the site's blogs are ready")
    paused = models.BooleanField(default=False)
    waiting_max = models.PositiveIntegerField(
        null=True, blank=True, help_text="most unfinished blogs, by the site's plan; empty: half the queue"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(step__gt=0), name="site_line_step_positive"),
            models.CheckConstraint(condition=Q(waiting__gte=0), name="site_line_waiting_not_negative"),
        ]
        indexes = [
            models.Index(fields=["turn", "site"], condition=Q(waiting__gt=0, paused=False), name="site_line_next")
        ]

    def __str__(self) -> str:
        return f"line of site {self.site_id}"


class QueueClock(models.Model):
    """One row with the highest turn that has started, and the turn from which claims read.

    A line that wakes up goes on at the clock, so that silence earns no burst.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    turn = models.FloatField(default=0)
    lowest = models.FloatField(
        db_default=0, help_text="the lowest turn that waited a moment ago: claims read from here"
    )
    next_lowest = models.FloatField(db_default=0, help_text="upper bound of `lowest` after the next look")
    looked_at = models.DateTimeField(db_default=Now(), help_text="when a claim last read the lines from the very head")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="queue_clock_is_one_row")]

    def __str__(self) -> str:
        return f"clock at {self.turn}"


class StageOutput(models.Model):
    """What a stage has produced. It is kept so that a retry goes on behind it and pays for nothing twice."""

    generation = models.ForeignKey(BlogGeneration, models.CASCADE, related_name="outputs", db_index=False)
    stage = models.CharField(max_length=12, choices=Stage)
    output = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["generation", "stage"], name="stage_output_saved_once")]

    def __str__(self) -> str:
        return f"{self.stage} of blog {self.generation_id}"


class Article(models.Model):
    """The finished text in our own blocks (`article/schema.py`). `article/ricos.py` makes Wix's rich content from it."""

    generation = models.OneToOneField(BlogGeneration, models.CASCADE, primary_key=True, related_name="article")
    version = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200)
    language = models.CharField(max_length=languages.TAG_MAX)
    words = models.PositiveIntegerField()
    content = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.title


class GenerationEvent(models.Model):
    """One event of a blog's history. It is never changed afterwards."""

    class Kind(models.TextChoices):
        SUBMITTED = "submitted"
        STARTED = "started"
        CHECKPOINT = "checkpoint"
        WARNING = "warning"
        DEFERRED = "deferred"
        RETRYING = "retrying"
        RESCUED = "rescued"
        HANDED_BACK = "handed_back"
        DONE = "done"
        FAILED = "failed"
        CANCEL_REQUESTED = "cancel_requested"
        CANCELLED = "cancelled"
        REQUEUED = "requeued"
        PUT_FIRST = "put_first"
        RESCHEDULED = "rescheduled"
        SWEPT = "swept"

    generation = models.ForeignKey(BlogGeneration, models.CASCADE, related_name="events", db_index=False)
    kind = models.CharField(max_length=16, choices=Kind)
    stage = models.CharField(max_length=12, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    by = models.CharField(
        max_length=100,
        blank=True,
        db_column="worker",
        help_text="the worker (host:pid), or who asked for it (staff:ada)",
    )
    code = models.CharField(max_length=40, blank=True)
    message = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["generation", "id"], name="event_of_generation")]

    def __str__(self) -> str:
        return f"{self.kind} {self.stage}".strip()
