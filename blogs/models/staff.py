"""What staff did: the audit log, and actions on blogs by the thousand."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

REASON_MAX = 300
NOTE_MAX = 2_000


class AuditEntry(models.Model):
    """One thing that staff did, or tried at the door. A trigger refuses to change or delete it.

    No foreign keys: an entry outlives the user, the blog and the site that it is about.
    """

    action = models.CharField(max_length=40, help_text="what was done: retry, cancel, grant_credits, login, ...")
    by = models.CharField(max_length=150, blank=True, help_text="the login name; empty where none was known")
    user_id = models.BigIntegerField(null=True, blank=True)
    address = models.CharField(max_length=45, blank=True, help_text="from where, as far as a proxy can be believed")
    about = models.CharField(max_length=200, help_text="what it was done to, in words")
    site_id = models.BigIntegerField(null=True, blank=True)
    blog_id = models.BigIntegerField(null=True, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.CharField(max_length=REASON_MAX, blank=True)
    batch_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "audit log"
        permissions = [
            ("give_roles", "Can give colleagues a role"),
            ("export_audit", "Can export the audit log"),
        ]
        indexes = [
            models.Index(fields=["by", "-id"], name="audit_by"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["site_id", "-id"], name="audit_of_site", condition=Q(site_id__isnull=False)),
            models.Index(fields=["blog_id", "-id"], name="audit_of_blog", condition=Q(blog_id__isnull=False)),
            models.Index(fields=["batch_id", "-id"], name="audit_of_batch", condition=Q(batch_id__isnull=False)),
            models.Index(fields=["about", "-id"], name="audit_about"),
            models.Index(fields=["-created_at"], name="audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.by or 'a stranger'}: {self.action}, {self.about}"


class Note(models.Model):
    """What a colleague wrote down about a blog or a shop. A trigger refuses to change or delete it: another note corrects it.

    No foreign keys, as in the audit log. A note on a blog names its site too, whose page shows it.
    """

    site_id = models.BigIntegerField()
    blog_id = models.BigIntegerField(null=True, blank=True, help_text="empty: it is about the shop itself")
    text = models.CharField(max_length=NOTE_MAX)
    by = models.CharField(max_length=150)
    user_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ("add",)
        indexes = [
            models.Index(fields=["site_id", "-id"], name="note_of_site"),
            models.Index(fields=["blog_id", "-id"], name="note_of_blog", condition=Q(blog_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"note {self.pk} by {self.by}"


class Batch(models.Model):
    """An action on many blogs, which the workers carry out in portions (`batches/working.py`)."""

    action = models.CharField(max_length=40)
    options = models.JSONField(default=dict, help_text="what the action takes besides the blog, for example a time")
    chosen = models.CharField(max_length=500, help_text="which blogs, in words: the filters, or how many were ticked")
    reason = models.CharField(max_length=REASON_MAX)
    by = models.CharField(max_length=150)
    user_id = models.BigIntegerField(null=True, blank=True)
    total = models.PositiveIntegerField(default=0)
    undoes = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="undone_by", db_index=False)
    created_at = models.DateTimeField(db_default=Now())
    portion_at = models.DateTimeField(db_default=Now(), help_text="when its next portion may begin")
    ended_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.CharField(max_length=150, blank=True, help_text="who stopped it before its end")

    class Meta:
        verbose_name_plural = "batches"
        constraints = [models.UniqueConstraint(fields=["undoes"], name="batch_undone_once")]
        indexes = [models.Index(fields=["portion_at"], condition=Q(ended_at__isnull=True), name="batch_open")]

    def __str__(self) -> str:
        return f"Batch {self.pk}"


class BatchItem(models.Model):
    """One blog of a batch. What was done to the blog and its state here are written in one transaction, so once."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        SKIPPED = "skipped"
        STOPPED = "stopped"

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="items", db_index=False)
    blog_id = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING, db_default=State.WAITING)
    result = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "blog_id"], name="batch_takes_a_blog_once")]
        indexes = [
            models.Index(fields=["batch", "id"], condition=Q(state="waiting"), name="batch_item_waiting"),
            models.Index(fields=["batch", "state", "id"], name="batch_item_by_state"),
            models.Index(fields=["blog_id"], name="batch_item_of_blog"),
        ]

    def __str__(self) -> str:
        return f"blog {self.blog_id} of batch {self.batch_id}"
