"""What a site's blogs and posts are about: the rows of the idea bank (`blogs/ideas`)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from blogs.models.staff import REASON_MAX

TEXT_MAX = 200
ABOUT_MAX = 200


class Topic(models.Model):
    """One topic of a site: what a blog was asked for, the title that it got, a post at Wix, or an idea that waits to be used.

    No foreign key leads to the blog: its check would lock the blog's row. Nor does a pruned blog take the title along.
    """

    class Kind(models.TextChoices):
        ASKED = "asked", "asked for"
        TITLE = "title", "title of a blog"
        POST = "post", "post at Wix"
        IDEA = "idea", "idea, not used yet"

    site = models.ForeignKey("wix.Site", models.PROTECT, related_name="topics", db_index=False)
    kind = models.CharField(max_length=5, choices=Kind)
    language = models.CharField(max_length=8, help_text="the language's code, without script and country")
    text = models.CharField(max_length=TEXT_MAX)
    key = models.CharField(max_length=TEXT_MAX, help_text="its words that count, folded and in order")
    holds = models.BooleanField(
        default=False,
        db_default=False,
        help_text="of the site's topics of its kind that hold their keys, none has the same",
    )
    generation_id = models.BigIntegerField(null=True, blank=True, help_text="the blog that has it")
    plan = models.JSONField(null=True, blank=True, help_text="the outline that the writer has made for it")
    offered_at = models.DateTimeField(null=True, blank=True, help_text="when it was offered to the shop as an idea")
    order_id = models.BigIntegerField(null=True, blank=True, help_text="the order of ideas that it came of")
    post_id = models.UUIDField(null=True, blank=True)
    url = models.CharField(max_length=1_000, blank=True, db_default="")
    published = models.BooleanField(default=False, db_default=False)
    reading = models.PositiveIntegerField(default=0, db_default=0, help_text="the reading of posts that saw it last")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "kind", "language", "key"], condition=Q(holds=True), name="topic_key_held_once"
            ),
            models.UniqueConstraint(
                fields=["generation_id", "kind"], condition=Q(generation_id__isnull=False), name="topic_of_blog"
            ),
            models.UniqueConstraint(
                fields=["site", "post_id"], condition=Q(post_id__isnull=False), name="topic_of_post"
            ),
            models.CheckConstraint(condition=~Q(kind="post") | Q(post_id__isnull=False), name="topic_post_has_an_id"),
            models.CheckConstraint(condition=~Q(kind="idea") | Q(plan__isnull=False), name="topic_idea_has_a_plan"),
        ]
        indexes = [
            models.Index(fields=["site", "kind", "-id"], name="topic_of_site"),
            models.Index(fields=["site", "-id"], condition=Q(offered_at__isnull=False), name="topic_offered"),
            models.Index(fields=["order_id", "-id"], condition=Q(order_id__isnull=False), name="topic_of_order"),
            # Until the blog is written: then its outline is with its article.
            models.Index(fields=["generation_id"], condition=Q(kind="title", plan__isnull=False), name="topic_planned"),
        ]

    def __str__(self) -> str:
        return self.text


class TopicStem(models.Model):
    """A word of a topic, by which topics alike are found. `stem` is a number made of language and the word's beginning.

    Only its index is read, from the newest topic on, and only so far: a word that thousands of a site's titles have tells little.
    """

    pk = models.CompositePrimaryKey("site_id", "stem", "topic_id")
    site_id = models.BigIntegerField()
    stem = models.IntegerField()
    topic_id = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"stem {self.stem} of topic {self.topic_id}"


class IdeaAsked(models.Model):
    """A blog whose idea is being asked for, by itself or by another blog of the site: the leader.

    It counts only while the leader holds the lease that it had then, so that a killed worker's blogs are free again with its lease.
    """

    generation_id = models.BigIntegerField(primary_key=True)
    leader_id = models.BigIntegerField(db_index=True)
    leader_token = models.UUIDField()
    alone = models.BooleanField(
        default=False, db_default=False, help_text="a call for several blogs brought it no idea; it asks by itself"
    )

    def __str__(self) -> str:
        return f"idea of blog {self.generation_id}, asked for by blog {self.leader_id}"


class IdeaOrder(models.Model):
    """A shop's order of ideas without blogs. A worker takes it by moving `due_at` ahead, and ends it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    site = models.ForeignKey("wix.Site", models.PROTECT, related_name="idea_orders", db_index=False)
    about = models.CharField(
        max_length=ABOUT_MAX, blank=True, help_text="what the ideas are to be about; empty: the shop"
    )
    language = models.CharField(max_length=35)
    length = models.CharField(max_length=10)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING, db_default=State.WAITING)
    due_at = models.DateTimeField(null=True, blank=True, db_default=Now(), help_text="empty: it is over")
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    found = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="how many ideas came of it")
    error = models.CharField(max_length=REASON_MAX, blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting", due_at__isnull=False) | (~Q(state="waiting") & Q(due_at__isnull=True)),
                name="idea_order_due_while_waiting",
            )
        ]
        indexes = [
            models.Index(fields=["site", "-id"], name="idea_order_of_site"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="idea_order_due"),
        ]

    def __str__(self) -> str:
        return f"order of ideas {self.pk}"


class PostReading(models.Model):
    """How far a site's posts at Wix are known. `reading_until` is a claim, which only saves calls."""

    site = models.OneToOneField("wix.Site", models.PROTECT, primary_key=True, related_name="+")
    number = models.PositiveIntegerField(default=0, db_default=0)
    read_at = models.DateTimeField(null=True, blank=True, help_text="when the last whole reading began")
    reading_until = models.DateTimeField(null=True, blank=True, help_text="until then no other worker reads")
    posts = models.PositiveIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"posts of site {self.site_id}"
