"""Rows in a named state, made the way the product makes them."""

from __future__ import annotations

import uuid
from typing import Any

import factory.django
from django.db import transaction
from factory.declarations import LazyFunction, Sequence

from blogs import queue
from blogs.models import BlogGeneration, Stage
from blogs.queue import lifecycle, submitting
from blogs.queue.request import BlogRequest
from credits import ledger
from wix.models import Site
from workers.models import WorkerProcess


class SiteFactory(factory.django.DjangoModelFactory[Site]):
    class Meta:
        model = Site

    instance_id = LazyFunction(uuid.uuid4)
    name = Sequence(lambda n: f"Shop {n}")


class WorkerFactory(factory.django.DjangoModelFactory[WorkerProcess]):
    class Meta:
        model = WorkerProcess

    name = Sequence(lambda n: f"test-host:{n}")
    threads = 50


def site(credits: int = 1_000, **fields: Any) -> Site:
    """Make a connected site with that many credits."""
    made = SiteFactory.create(**fields)
    if credits:
        with transaction.atomic():
            ledger.grant(ledger.lock(made.pk), credits, reason="test")
    return made


def blog_request(source_id: str = "wool scarves", **fields: Any) -> BlogRequest:
    defaults = {"source_type": "keyword", "language": "en", "tone": "friendly", "length": "medium", "publish": False}
    return BlogRequest(source_id=source_id, **{**defaults, **fields})


def pending_generation(site_: Site | None = None, **fields: Any) -> BlogGeneration:
    """Make a blog that waits in its site's line."""
    return submitting.submit(site=site_ or site(), request=blog_request(**fields))


def processing_generation(
    site_: Site | None = None, worker: WorkerProcess | None = None, **fields: Any
) -> BlogGeneration:
    """Make a blog and let a worker claim it. What is returned holds its lease. No other blog may be waiting."""
    pending = pending_generation(site_, **fields)
    (claimed,) = queue.claim(worker or WorkerFactory.create(), 1)
    assert claimed.pk == pending.pk
    return claimed


def done_generation(site_: Site | None = None, **fields: Any) -> BlogGeneration:
    generation = processing_generation(site_, **fields)
    draft: dict[str, Any] = {"draft_post_id": str(uuid.uuid4()), "draft_post_url": "https://shop.example/post/x"}
    lifecycle.succeed(generation, Stage.DRAFT, draft, **draft)
    return BlogGeneration.objects.get(pk=generation.pk)


def failed_generation(site_: Site | None = None, code: str = "content_refused", **fields: Any) -> BlogGeneration:
    from workers.errors import PermanentError

    generation = processing_generation(site_, **fields)
    lifecycle.fail(generation, PermanentError(code, "It was refused."))
    return BlogGeneration.objects.get(pk=generation.pk)
