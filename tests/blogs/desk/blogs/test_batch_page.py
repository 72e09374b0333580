"""A batch's page: where it stands, and undoing it, which asks first."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from blogs.audit import Actor
from blogs.batches import starting, working
from blogs.models import Batch, BlogGeneration, Status
from tests.support.blogs.desk_pages import text_of, visible
from tests.support.factories import pending_generation

pytestmark = pytest.mark.django_db


def cancelled() -> Batch:
    """Return a batch that has cancelled two blogs, and is over."""
    ids = [pending_generation().pk, pending_generation().pk]
    chosen = BlogGeneration.objects.filter(pk__in=ids)
    batch = starting.start(Actor("ada"), "cancel", chosen, in_words="a test", reason="ticket 6", options={})
    working.work_off()
    batch.refresh_from_db()
    return batch


def page(batch: Batch) -> str:
    return reverse("admin:blogs_batch_change", args=[batch.pk])


def test_it_says_once_where_it_stands(desk: Client) -> None:
    batch = cancelled()
    assert batch.ended_at

    shown = visible(text_of(desk, page(batch)))

    assert f"Over. It ended at {batch.ended_at:%Y-%m-%d %H:%M:%S} UTC." in shown
    assert "running" not in shown


def test_undoing_says_first_what_it_does_and_asks_why(desk: Client) -> None:
    batch = cancelled()
    undo = reverse("admin:blogs_batch_undo", args=[batch.pk])

    for fields in ({}, {"confirmed": "1", "reason": ""}):
        asked = visible(desk.post(undo, fields).content.decode())
        assert "the 2 that it moved, each that still allows it" in asked
        assert f"{2 * settings.BLOG_CREDITS} credits are held again" in asked
    assert not Batch.objects.filter(undoes=batch).exists()

    desk.post(undo, {"confirmed": "1", "reason": "a mistake"})

    assert Batch.objects.get(undoes=batch).reason == f"undoes batch {batch.pk}: a mistake"
    working.work_off()
    assert not BlogGeneration.objects.exclude(status=Status.PENDING).exists()


def test_what_is_undone_already_is_told_and_not_asked(desk: Client) -> None:
    batch = cancelled()
    undo = reverse("admin:blogs_batch_undo", args=[batch.pk])
    desk.post(undo, {"confirmed": "1", "reason": "a mistake"})

    assert "was undone before; nothing was changed" in visible(desk.post(undo, follow=True).content.decode())
    assert Batch.objects.filter(undoes=batch).count() == 1
