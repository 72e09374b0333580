"""What a shop says of itself, for all its blogs: brand, readers, voice, what it never wants to read, and defaults of requests."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from blogs.models.staff import REASON_MAX

BRAND_MAX = 100
SELLS_MAX = 500
AUDIENCE_MAX = 300
VOICE_MAX = 1_200
DISCLOSURE_MAX = 300
TERM_MAX, TERMS_MAX = 60, 50
CLAIM_MAX, CLAIMS_MAX = 120, 30


class SiteProfile(models.Model):
    """One version of a site's profile. Each save makes the next one; none is changed afterwards.

    A blog keeps the version that it was asked for with, so that a retry writes by the same one. `told` is what people have set,
    `found` what Wix says; where both have a setting, what people set counts. The names are those of `profiles/settings.py`.
    """

    site = models.ForeignKey("wix.Site", models.PROTECT, related_name="profiles", db_index=False)
    version = models.PositiveIntegerField()
    told = models.JSONField(help_text="what people have set")
    found = models.JSONField(db_default={}, help_text="what Wix says; it fills what people left open")
    by = models.CharField(max_length=150, help_text="the shop, an API key of it, Wix, or staff by login name")
    reason = models.CharField(max_length=REASON_MAX, blank=True, db_default="", help_text="why staff changed it")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        permissions = [("edit_profiles", "Can edit shops' profiles")]
        constraints = [models.UniqueConstraint(fields=["site", "version"], name="site_profile_version")]

    def __str__(self) -> str:
        return f"profile of site {self.site_id}, version {self.version}"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that count."""
        return {**self.found, **self.told}


class ProfileReading(models.Model):
    """Says that a worker is to fill a site's profile from Wix, or when one did. A worker that has it moves `due_at` on."""

    site = models.OneToOneField("wix.Site", models.PROTECT, primary_key=True, related_name="+")
    due_at = models.DateTimeField(null=True, blank=True, db_default=Now(), help_text="empty: nothing is left to do")
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    read_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="profile_reading_due")]

    def __str__(self) -> str:
        return f"reading of the profile of site {self.site_id}"
