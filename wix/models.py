from __future__ import annotations

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models.functions import Lower, Now


class Site(models.Model):
    """A Wix site that installed our app, known by its instance id, which survives uninstalling and reinstalling."""

    instance_id = models.UUIDField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    url = models.URLField(max_length=500, blank=True)
    language = models.CharField(
        max_length=35, blank=True, help_text="BCP 47; empty: not known yet, blogs are in English"
    )
    member_id = models.UUIDField(
        null=True, blank=True, help_text="the site member who signs its posts; found on first use"
    )
    created_at = models.DateTimeField(db_default=Now())
    removed_at = models.DateTimeField(null=True, blank=True, help_text="when the app was removed; requests are refused")

    # DRF asks this of whatever `request.user` is; only a verified site ever becomes one.
    is_authenticated = True

    class Meta:
        indexes = [models.Index(OpClass(Lower("name"), name="text_pattern_ops"), name="site_name")]

    def __str__(self) -> str:
        return self.name or str(self.instance_id)
