"""The shops that ask in a load test: sample ones with credits, or named ones that are real.

Sample shops stay, for the next load test, and so do their blogs until they are pruned: the ledger, which names them, forgets
nothing. They are called `Load test 1`, `Load test 2` and so on.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction

from blogs.load_test.providers import show_to_stand_ins
from credits import ledger
from wix.models import Site

_NAMESPACE = uuid.UUID("5b0c6f0e-1c5e-4f0a-9d0e-10adcafe7e57")


class UnknownShop(Exception):
    """No shop, or more than one, has that name; str() is the name."""


def sample(number: int, blogs_each: int) -> list[Site]:
    """Make this number of shops here and at the stand-ins, each with the credits that its blogs cost. Raises Unanswered."""
    return [_sample(f"Load test {each}", blogs_each) for each in range(1, number + 1)]


def _sample(name: str, blogs: int) -> Site:
    instance_id = uuid.uuid5(_NAMESPACE, name)
    named = {"name": name, "url": "https://load-test.invalid", "language": "en"}
    site, _ = Site.objects.get_or_create(instance_id=instance_id, defaults=named)
    with transaction.atomic():
        account = ledger.lock(site.pk)
        missing = blogs * settings.BLOG_CREDITS + account.debt - account.available
        if missing > 0:
            ledger.grant(account, missing, reason="load test")
    show_to_stand_ins(str(instance_id), name)
    return site


def existing(names: Iterable[str]) -> list[Site]:
    """Find the shops of these names. Raises UnknownShop."""
    return [_existing(name) for name in names]


def _existing(name: str) -> Site:
    found = Site.objects.filter(name__iexact=name, removed_at=None)[:2]
    if len(found) != 1:
        raise UnknownShop(name)
    return found[0]
