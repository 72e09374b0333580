"""What a blog leaves behind: each stage's output, its article and its history."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from blogs.models.generation import BlogGeneration, OnDuplicate, Stage
from wix import languages

INSTRUCTIONS_MAX = 2_000
PRODUCTS_MAX = 20
PRODUCT_ID_MAX = 100


class RequestDetails(models.Model):
    """What a request said that the queue has no use for, and the first answer to it. Most blogs have no such row."""

    generation = models.OneToOneField(BlogGeneration, models.CASCADE, primary_key=True, related_name="details")
    time_zone = models.CharField(max_length=64, db_default="", blank=True, help_text="in which the shop said its times")
    metadata = models.JSONField(
        db_default={}, blank=True, help_text="the shop's own pairs; we only echo and search them"
    )
    product_ids = ArrayField(models.CharField(max_length=PRODUCT_ID_MAX), db_default=[], blank=True)
    instructions = models.TextField(db_default="", blank=True, help_text="what the shop wishes of the article")
    on_duplicate = models.CharField(
        max_length=6, choices=OnDuplicate, db_default="", blank=True, help_text="empty: it is warned of"
    )
    answer = models.TextField(null=True, blank=True, help_text="the first answer, which a repeated request gets again")

    class Meta:
        verbose_name_plural = "request details"
        indexes = [
            # Of those that have any: a search says so too.
            GinIndex(OpClass("metadata", name="jsonb_path_ops"), condition=~Q(metadata={}), name="details_by_metadata")
        ]

    def __str__(self) -> str:
        return f"details of blog {self.generation_id}"


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


class BlogWords(models.Model):
    """The words by which staff find a blog: of its topic, its products' names and its title (`words/of_blogs.py` makes them).

    The queue writes it with the blog's own moves; what older code has left out, a worker fills in (`words/keeping.py`). No foreign
    key in the database: its check would lock the blog's row.
    """

    class Level(models.IntegerChoices):
        """Says up to which stage the words are there. INCOMPLETE: even those of the topic are missing."""

        INCOMPLETE = -1
        TOPIC = 0
        PRODUCTS = 1
        TITLE = 2

    generation = models.OneToOneField(
        BlogGeneration, models.DO_NOTHING, primary_key=True, related_name="words", db_constraint=False
    )
    level = models.SmallIntegerField(choices=Level)
    subject = models.CharField(
        max_length=200,
        blank=True,
        db_default="",
        help_text="the name of the product or collection that it is about; empty: its topic says what it is about",
    )
    words = SearchVectorField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(level__in=[-1, 0, 1, 2]), name="blog_words_level")]
        indexes = [GinIndex(fields=["words"], name="blog_by_words")]

    def __str__(self) -> str:
        return f"words of blog {self.generation_id}"


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
        REFUNDED = "refunded"
        ORDERED = "ordered", "asked for at Wix"
        PUBLISHED = "published", "published again"
        DRAFT_MADE = "draft_made", "draft made again"
        ARTICLE_REVISED = "article_revised", "article revised"

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


class DraftSearch(models.Model):
    """A site whose drafts at Wix are looked through after a restore, for those of all its marked blogs at once.

    It is gone when the last page was read. `restore/search.py` says more.
    """

    site = models.OneToOneField("wix.Site", models.PROTECT, primary_key=True, related_name="+")
    since = models.DateTimeField(help_text="drafts that were edited since then are looked at")
    not_before = models.DateTimeField(help_text="by then Wix has finished what it was asked for in the lost time")
    read_to = models.DateTimeField(null=True, blank=True, help_text="a search that was interrupted goes on here")
    taken_until = models.DateTimeField(null=True, blank=True, help_text="until then a worker searches")

    def __str__(self) -> str:
        return f"search of site {self.site_id}"
