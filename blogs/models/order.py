"""What staff want of a DONE blog's post at Wix."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from blogs.models.generation import BlogGeneration
from blogs.models.staff import REASON_MAX

_OPEN = Q(ended_at__isnull=True)


class PostOrder(models.Model):
    """One thing that staff want known of, or done to, a DONE blog's post at Wix. A worker carries it out (`post_orders/`).

    The blog stays DONE all the while. A worker has an order until `taken_until`; what it writes, it writes only as long as that is
    its own. A blog has at most one open order of each kind: several clicks are one.
    """

    class Kind(models.TextChoices):
        LOOK = "look", "look at what Wix holds"
        PUBLISH = "publish", "publish again"
        DRAFT = "draft", "make the draft again"
        REPAIR = "repair", "repair the article once more"
        REWRITE = "rewrite", "write the article from the start"

    generation = models.ForeignKey(BlogGeneration, models.CASCADE, related_name="post_orders", db_index=False)
    site = models.ForeignKey("wix.Site", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    by = models.CharField(max_length=150, help_text="the login name of who asked")
    reason = models.CharField(max_length=REASON_MAX, blank=True)
    turn = models.BigIntegerField(help_text="sites take turns: the lowest is carried out next")
    due_at = models.DateTimeField(db_default=Now(), help_text="before then no worker takes it")
    taken_until = models.DateTimeField(null=True, blank=True, help_text="until then a worker has it")
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    create_started_at = models.DateTimeField(
        null=True, blank=True, help_text="when a request that creates a draft last left for Wix"
    )
    old_draft_id = models.UUIDField(null=True, blank=True, help_text="the draft that the blog had before")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    code = models.CharField(max_length=40, blank=True, db_default="", help_text="why it failed; empty: it did not")
    result = models.CharField(max_length=500, blank=True, db_default="", help_text="what became of it, for a person")
    held = models.JSONField(null=True, blank=True, help_text="what Wix held, as the worker found it")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["generation", "kind"], condition=_OPEN, name="post_order_open_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["look", "publish", "draft", "repair", "rewrite"]), name="post_order_kind"
            ),
        ]
        indexes = [
            models.Index(fields=["turn", "id"], condition=_OPEN, name="post_order_next"),
            models.Index(fields=["site", "turn"], condition=_OPEN, name="post_order_of_site"),
            models.Index(fields=["generation", "-id"], name="post_order_of_blog"),
            models.Index(fields=["by", "created_at"], condition=Q(kind="look"), name="post_order_looks"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, blog {self.generation_id}"
