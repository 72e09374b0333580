"""The queue's own table. Each rule that says "never" is a constraint here; what moves a blog is in `queue/lifecycle.py`."""

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
    IDEA = "idea"


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


class OnDuplicate(models.TextChoices):
    """Says what becomes of a blog whose topic the site has already."""

    WARN = "warn"
    REFUSE = "refuse"
    VARY = "vary"


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
    profile = models.ForeignKey(
        "blogs.SiteProfile",
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="the version of its shop's profile that it was asked for with, and is written by",
    )

    priority = models.SmallIntegerField(default=0, help_text="within a site, the blog with the lowest goes first")
    ready = models.BooleanField(default=False)
    ready_at = models.DateTimeField(db_default=Now(), help_text="since when it stands in its line, where it is ready")
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
    draft_search_since = models.DateTimeField(
        null=True,
        blank=True,
        help_text="a backup was restored that may know too little: its draft is looked for before anything is made",
    )
    draft_post_id = models.UUIDField(null=True, blank=True)
    draft_post_url = models.CharField(max_length=1_000, blank=True)
    draft_post_slug = models.CharField(
        max_length=200, blank=True, db_default="", help_text="the slug that Wix gave the draft"
    )
    post_url = models.CharField(max_length=1_000, blank=True, db_default="", help_text="set once the post is published")

    needs_review = models.BooleanField(
        db_default=False, help_text="its article is held: a person decides whether it is published"
    )

    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    # No columns. Only the worker that runs the blog knows these two: until when (monotonic time) it renews the lease, and its name.
    renew_until: float = math.inf
    worker_name: str = ""
    # True only where this very request has stored it (`queue/submitting.py`).
    is_new: bool = False

    class Meta:
        db_table = "blog_generations"
        permissions = [
            ("retry_blogs", "Can retry blogs"),
            ("cancel_blogs", "Can cancel blogs"),
            ("steer_blogs", "Can put blogs first and give them another time"),
            ("publish_blogs", "Can publish blogs again and have their drafts made again"),
            ("refund_blogs", "Can give the credits of a blog back"),
            ("export_blogs", "Can export blogs"),
        ]
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
            models.Index(fields=["-id"], condition=Q(needs_review=True), name="blog_needs_review"),
            models.Index(fields=["draft_post_slug", "-id"], condition=~Q(draft_post_slug=""), name="blog_by_slug"),
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
