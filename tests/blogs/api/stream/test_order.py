"""Events are told in the order of their numbers, and none is skipped, in whatever order their transactions commit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest
from django.db import connection

from blogs.api.stream import stored
from blogs.models import BlogGeneration
from tests.support import factories
from tests.support.database import database_url
from tests.support.query_plans import plan_of, read_whole

pytestmark = pytest.mark.django_db(transaction=True)

_INSERT = """
INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message)
VALUES (%s, 'put_first', '', 0, '', '', '') RETURNING id
"""


@contextmanager
def _writer() -> Iterator[psycopg2.extensions.connection]:
    session = psycopg2.connect(database_url())
    try:
        yield session
    finally:
        session.close()


def _write(session: psycopg2.extensions.connection, blog: BlogGeneration) -> int:
    with session.cursor() as cursor:
        cursor.execute(_INSERT, [blog.pk])
        row = cursor.fetchone()
    assert row
    return int(row[0])


def _numbers(tail: stored.Tail) -> list[int]:
    return [event.id for event in tail.read()]


def _begun() -> stored.Tail:
    tail = stored.Tail()
    tail.read()
    assert tail.position == stored.highest()
    return tail


def test_an_event_that_commits_later_is_told_before_those_with_higher_numbers() -> None:
    blog, tail = factories.pending_generation(), _begun()
    with _writer() as slow, _writer() as quick:
        first = _write(slow, blog)
        second = _write(quick, blog)
        quick.commit()

        assert _numbers(tail) == _numbers(tail) == []
        assert tail.waits
        slow.commit()
        assert _numbers(tail) == [first, second]


def test_what_stands_before_a_gap_is_told_at_once() -> None:
    blog, tail = factories.pending_generation(), _begun()
    with _writer() as slow, _writer() as quick:
        before = _write(quick, blog)
        quick.commit()
        open_ = _write(slow, blog)
        behind = _write(quick, blog)
        quick.commit()

        assert _numbers(tail) == [before]
        slow.commit()
        assert _numbers(tail) == [open_, behind]


def test_a_number_whose_transaction_was_rolled_back_holds_up_nothing() -> None:
    blog, tail = factories.pending_generation(), _begun()
    with _writer() as slow, _writer() as quick:
        _write(slow, blog)
        second = _write(quick, blog)
        quick.commit()
        assert _numbers(tail) == []

        slow.rollback()
        assert _numbers(tail) == [second]
        assert not tail.waits


def test_a_transaction_that_began_after_the_gap_was_seen_holds_up_nothing() -> None:
    blog, tail = factories.pending_generation(), _begun()
    with _writer() as gone, _writer() as quick, _writer() as later:
        _write(gone, blog)
        second = _write(quick, blog)
        quick.commit()
        assert _numbers(tail) == []

        third = _write(later, blog)
        gone.rollback()
        assert _numbers(tail) == [second]
        later.commit()
        assert _numbers(tail) == [third]


def test_a_stream_begins_only_where_everything_before_is_decided() -> None:
    blog = factories.pending_generation()
    with _writer() as slow:
        first = _write(slow, blog)
        second = _write(slow, factories.pending_generation(source_id="another"))
        connection.ensure_connection()
        blog2 = factories.pending_generation(source_id="a third")

        tail = stored.Tail()
        assert tail.read() == tail.read() == []
        assert tail.position is None
        slow.commit()
        tail.read()

    assert tail.position is not None
    assert tail.position >= second > first
    assert blog2.events.get().pk <= tail.position


def test_a_long_transaction_that_writes_no_event_holds_up_no_stream() -> None:
    blog, tail = factories.pending_generation(), _begun()
    with _writer() as busy, _writer() as gone, _writer() as quick:
        with busy.cursor() as cursor:
            cursor.execute("UPDATE wix_site SET name = name")
        _write(gone, blog)
        gone.rollback()
        second = _write(quick, blog)
        quick.commit()

        assert _numbers(tail) == []
        assert _numbers(tail) == [second]


def test_new_events_are_found_by_their_number_and_missed_ones_too() -> None:
    site = factories.site()
    blog = factories.pending_generation(site)
    tail = _begun()
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
    for read in (
        tail.read,
        lambda: stored.missed(site=site.pk, blog=blog.pk, after=0, upto=10**9),
        lambda: stored.missed(site=site.pk, blog=None, after=0, upto=10**9),
    ):
        assert read_whole(plan_of(read, "FROM blogs_generationevent e")) == set()
    assert read_whole(plan_of(lambda: stored.is_over(blog.pk, 10**9), "FROM blogs_generationevent")) == set()
    assert read_whole(plan_of(stored.highest, "max(id)")) == set()


def test_storing_never_waits_for_a_stream() -> None:
    """The tail asks who writes; it takes no lock that a move would wait for."""
    blog, tail = factories.pending_generation(), _begun()
    with _writer() as slow, _writer() as quick:
        _write(slow, blog)
        _write(quick, blog)
        quick.commit()
        tail.read()
        began = time.monotonic()
        _write(quick, blog)
        quick.commit()
        assert time.monotonic() - began < 1
