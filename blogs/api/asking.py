"""How a request for a blog is read and looked at before the queue takes it: a single one, and each of many."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from django.db import transaction
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from blogs.api.possible import UnknownProducts
from blogs.api.serializers import BlogRequestSerializer, of_shop
from blogs.ideas import duplicates, shop_ideas
from blogs.models import BlogGeneration, OnDuplicate, SourceType
from blogs.queue import submitting
from blogs.queue.request import BlogRequest, asked_before
from wix import catalog
from wix.models import Site
from workers.database import wakeup

_IDEMPOTENCY_KEY_MAX = 255
# Why a blog may not be taken, by the codes of the problems.
PROBLEMS = (
    "insufficient_credits",
    "unknown_products",
    "unknown_idea",
    "idea_used",
    "duplicate_topic",
    "plan_limit",
    "too_many_failures",
    "queue_full",
    "site_queue_full",
    "schedule_full",
)


def read(wish: Any, site: Site) -> BlogRequest:
    """Return the request that a JSON value is. Raises ValidationError."""
    if not isinstance(wish, dict):
        raise ValidationError("A request must be a JSON object.")
    _mine.context.update(of_shop(site))
    return BlogRequest(**_mine.serializer.run_validation(wish))


class _Mine(threading.local):
    """A thread's own serializer, which keeps nothing of a request: copying its fields for each costs more than reading it."""

    def __init__(self) -> None:
        self.context: dict[str, Any] = {}
        self.serializer = BlogRequestSerializer(context=self.context)


_mine = _Mine()


def require_known_products(site: Site, asked: BlogRequest, key: str | None) -> None:
    """Refuse products that the shop surely does not show. A repeated request is not asked again: it has its blog."""
    if not asked.product_ids or (key and asked_before(site, asked, key)):
        return
    if unknown := catalog.unknown(str(site.instance_id), asked.product_ids):
        raise UnknownProducts(unknown)


def submit(site: Site, asked: BlogRequest, key: str | None, *, wakes: bool = True) -> BlogGeneration:
    """Submit a request. Raises what `submitting.submit` raises; besides DuplicateTopic, UnknownIdea and IdeaUsed.

    The idea bank is asked only where it is needed: for an idea of the shop's, and for a topic that may not come twice.
    """
    by_idea, refuses = asked.source_type == SourceType.IDEA, asked.on_duplicate == OnDuplicate.REFUSE
    if not (by_idea or refuses):
        return submitting.submit(site=site, request=asked, idempotency_key=key, wakes=wakes)
    idea = shop_ideas.find(site, asked.source_id) if by_idea else None
    if idea and not asked.language:
        asked = replace(asked, language=idea.language)
    if key and (known := asked_before(site, asked, key)):
        return known
    if refuses:
        duplicates.require_new(site, asked.source_type, asked.source_id, asked.language)
    with transaction.atomic():
        blog = submitting.submit(site=site, request=asked, idempotency_key=key, wakes=False)
        if blog.is_new and idea:
            shop_ideas.use(site, idea, blog)
        elif blog.is_new:
            duplicates.hold(site, blog)
    if wakes and blog.ready:
        wakeup.notify()
    return blog


def idempotency_key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= _IDEMPOTENCY_KEY_MAX and key.isprintable()):
        raise ValidationError({"Idempotency-Key": f"It must have 1 to {_IDEMPOTENCY_KEY_MAX} printable characters."})
    return key
