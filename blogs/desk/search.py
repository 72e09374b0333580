"""Finds the shops that staff name: by instance id at Wix, or by how the name begins."""

from __future__ import annotations

from django.db.models import QuerySet
from django.db.models.functions import Lower

from wix.client.fields import uuid_or_none
from wix.models import Site

# A prefix that fits more shops than this says nothing.
SITES_MATCHED = 50


def as_id(text: str) -> int | None:
    """Read a row's number; None for anything else, and for more than 18 digits, which may not fit a bigint."""
    return int(text) if text.isdecimal() and len(text) <= 18 else None


def sites_called(term: str) -> QuerySet[Site]:
    """Find sites by instance id, or by how the name begins."""
    if instance_id := uuid_or_none(term):
        return Site.objects.filter(instance_id=instance_id)
    return Site.objects.alias(lower_name=Lower("name")).filter(lower_name__startswith=term.lower())
