"""The site that a command's argument names."""

from __future__ import annotations

import uuid

from django.core.management.base import CommandError
from django.db import models

from wix.models import Site

HELP = "the site's name, instance id or number"


def named_site(text: str) -> Site:
    """Find a site by its name, instance id or number. Raises CommandError, which lists some that are known."""
    found = list(_called(text)[:2])
    if len(found) != 1:
        names = ", ".join(known.name or str(known.instance_id) for known in Site.objects.order_by("name")[:10])
        raise CommandError(f"{len(found)} sites have the name or number {text!r}. Known: {names or 'none yet'}.")
    return found[0]


def _called(text: str) -> models.QuerySet[Site]:
    try:
        return Site.objects.filter(instance_id=uuid.UUID(text))
    except ValueError:
        pass
    # No number of a site has more digits.
    if text.isdecimal() and len(text) < 19:
        return Site.objects.filter(pk=int(text))
    return Site.objects.filter(name__iexact=text)
