"""Actions on many blogs: each blog exactly once, however many workers carry the batch out, and none after it was stopped."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test import Client

from blogs.audit import Actor
from blogs.batches import moves, starting, working
from blogs.models import AuditEntry, Batch, BatchItem, BlogGeneration, GenerationEvent, Stage, Status
from blogs.operations import proof
from blogs.queue import lifecycle
from credits.models import Credit
from tests.support.database import database_url
from tests.support.factories import (
    WorkerFactory,
    done_generation,
    failed_generation,
    pending_generation,
    processing_generation,
    site,
)
from tests.support.threads import at_once
from workers.database.outage import DATABASE_AWAY

ADA = Actor("ada", 1, "192.0.2.7")


def started(action: str, *blogs: BlogGeneration) -> Batch:
    chosen = BlogGeneration.objects.filter(pk__in=[blog.pk for blog in blogs])
    return starting.start(ADA, action, chosen, in_words="all of a test", reason="ticket 7", options={})


def finish() -> None:
    """Call the chore as a worker does, without its pauses."""
    while Batch.objects.filter(ended_at=None).exists():
        Batch.objects.update(portion_at="2026-01-01T00:00Z")
        working.work_off()


def results(batch: Batch) -> list[tuple[str, str]]:
    return list(BatchItem.objects.filter(batch=batch).order_by("blog_id").values_list("state", "result"))


@pytest.mark.django_db
def test_each_blog_is_moved_or_skipped_and_says_so() -> None:
    failed, done = failed_generation(), done_generation()

    batch = started("retry", failed, done)
    finish()

    assert results(batch) == [
        ("done", "retried"),
        ("skipped", "it is DONE; only FAILED and CANCELLED blogs can be retried"),
    ]
    assert BlogGeneration.objects.get(pk=failed.pk).status == Status.PENDING
    event = GenerationEvent.objects.get(generation=failed, kind="requeued")
    assert (event.by, event.message) == ("staff:ada", "ticket 7")
    assert AuditEntry.objects.get().batch_id == batch.pk
    assert proof.discrepancies() == []


@pytest.mark.django_db
def test_a_portion_is_no_larger_than_the_pace_and_the_next_is_due_a_second_later(settings: object) -> None:
    settings.BATCH_BLOGS_PER_SECOND = 2  # type: ignore[attr-defined]
    batch = started("cancel", *(pending_generation() for _ in range(3)))

    seconds = working.work_off()

    assert [state for state, _ in results(batch)] == ["done", "done", "waiting"]
    assert seconds is not None
    assert 0.5 < seconds <= 1
    working.work_off()  # too early: the portion belongs to the first
    assert [state for state, _ in results(batch)] == ["done", "done", "waiting"]


@pytest.mark.django_db
def test_no_batch_says_that_there_is_no_hurry() -> None:
    assert working.work_off() is None


@pytest.mark.django_db
def test_a_stopped_batch_does_no_more_and_says_what_it_left() -> None:
    batch = started("cancel", pending_generation(), pending_generation())

    assert starting.stop(ADA, batch.pk)
    assert not starting.stop(ADA, batch.pk)
    finish()

    assert results(batch) == [("stopped", "the batch was stopped")] * 2
    assert not BlogGeneration.objects.exclude(status=Status.PENDING).exists()
    assert Batch.objects.get().stopped_by == "ada"


@pytest.mark.django_db
def test_a_cancel_is_undone_once_with_credits_held_again() -> None:
    shop = site(credits=100)
    blogs = [pending_generation(shop), pending_generation(shop)]
    batch = started("cancel", *blogs)
    assert starting.undo(ADA, batch.pk, reason="a mistake") is None  # it runs still
    finish()
    assert shop.credit_account.entries.filter(kind=Credit.Kind.RELEASE).count() == 2

    undoing = starting.undo(ADA, batch.pk, reason="a mistake")
    again = starting.undo(ADA, batch.pk, reason="a mistake")
    finish()

    assert undoing is not None
    assert again is None
    assert results(undoing) == [("done", "retried")] * 2
    assert {blog.status for blog in BlogGeneration.objects.all()} == {Status.PENDING}
    shop.credit_account.refresh_from_db()
    assert shop.credit_account.held == 50
    assert proof.discrepancies() == []


@pytest.mark.django_db
def test_a_batch_over_nothing_has_ended() -> None:
    assert Batch.objects.get(pk=started("retry").pk).ended_at


@pytest.mark.django_db
def test_a_bug_with_one_blog_keeps_no_other_from_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    odd, other = failed_generation(), failed_generation()
    monkeypatch.setitem(moves.MOVES, "retry", replace(moves.MOVES["retry"], carry_out=_odd(odd.pk)))

    batch = started("retry", odd, other)
    finish()

    assert results(batch) == [("skipped", "an error of ours; an engineer has to look"), ("done", "retried")]


def _odd(blog_id: int) -> Callable[..., str]:
    def carry_out(asked: int, *args: Any) -> str:
        if asked == blog_id:
            raise ZeroDivisionError
        return moves._retry(asked, *args)

    return carry_out


@pytest.mark.django_db
def test_more_than_the_largest_batch_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "BLOGS_MAX", 1)

    with pytest.raises(starting.TooMany):
        started("cancel", pending_generation(), pending_generation())

    assert not Batch.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_workers_beside_each_other_move_each_blog_once(settings: object) -> None:
    settings.BATCH_BLOGS_PER_SECOND = 7  # type: ignore[attr-defined]
    shop = site(credits=10_000)
    batch = started("cancel", *(pending_generation(shop) for _ in range(40)))

    at_once(*[finish] * 4)

    assert results(batch) == [("done", "cancelled")] * 40
    assert GenerationEvent.objects.filter(kind="cancelled").count() == 40
    assert proof.discrepancies() == []


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_between_a_move_and_its_commit_leaves_neither(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The move and its item's state are one transaction: what is lost with the connection is done later, once."""
    shop = site(credits=1_000)
    batch = started("cancel", *(pending_generation(shop) for _ in range(3)))
    lost = list[int]()

    def cancel(blog_id: int, *args: Any) -> str:
        done = moves._cancel(blog_id, *args)
        if not lost:
            lost.append(blog_id)
            end_this_session()
        return done

    monkeypatch.setitem(moves.MOVES, "cancel", replace(moves.MOVES["cancel"], carry_out=cancel))
    with pytest.raises(DATABASE_AWAY):
        working.work_off()
    connection.close()  # as the chore's thread does
    assert [state for state, _ in results(batch)] == ["waiting"] * 3
    assert not GenerationEvent.objects.filter(kind="cancelled").exists()
    finish()

    assert results(batch) == [("done", "cancelled")] * 3
    assert GenerationEvent.objects.filter(kind="cancelled").count() == 3
    assert Credit.objects.filter(kind=Credit.Kind.RELEASE).count() == 3
    assert proof.discrepancies() == []


def end_this_session() -> None:
    """End the session that this thread is using, as a crash of PostgreSQL does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with closing(psycopg2.connect(database_url())) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@pytest.mark.django_db
def test_a_blog_that_finishes_between_list_and_click_is_skipped_and_says_why() -> None:
    blog = processing_generation()
    batch = started("cancel", blog)
    draft: dict[str, Any] = {"draft_post_id": str(uuid.uuid4())}
    lifecycle.succeed(blog, Stage.DRAFT, draft, **draft)

    finish()

    ((state, why),) = results(batch)
    assert (state, why.startswith("its draft post exists")) == ("skipped", True)
    assert proof.discrepancies() == []


@pytest.mark.django_db(transaction=True)
def test_two_colleagues_who_cancel_and_retry_one_blog_at_once_come_after_each_other() -> None:
    shop = site(credits=100)
    blog = failed_generation(shop)

    def act(action: str) -> str:
        try:
            return moves.carry_out(moves.MOVES[action], blog.pk, by=ADA, reason="x", options={})
        except moves.Skipped as because:
            return str(because)

    said = at_once(*[lambda: act("retry")] * 3)

    assert sorted(said)[-1] == "retried"
    assert said.count("retried") == 1
    assert GenerationEvent.objects.filter(generation=blog, kind="requeued").count() == 1
    shop.credit_account.refresh_from_db()
    assert shop.credit_account.held == 25
    assert proof.discrepancies() == []


@pytest.mark.django_db
def test_its_page_says_that_no_worker_is_alive(admin_client: Client) -> None:
    batch = started("cancel", pending_generation())
    url = f"/admin/blogs/batch/{batch.pk}/change/"
    assert "No worker is alive: the batch goes on once one is." in admin_client.get(url).content.decode()

    WorkerFactory.create()

    assert "No worker is alive" not in admin_client.get(url).content.decode()
