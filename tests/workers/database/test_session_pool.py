"""The pool of sessions, with real ones: bounded, clean, and without those that lead nowhere any more."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.db import InterfaceError, connection, connections, transaction
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from config.pooled_postgresql import base
from workers.database.connections import release_connection
from workers.database.session_pool import PoolExhausted, SessionPool

pytestmark = pytest.mark.django_db(transaction=True)


class Opened:
    """Opens sessions at the tests' database, and remembers them."""

    def __init__(self) -> None:
        self.sessions: list[Any] = []
        self.fails = False

    def __call__(self) -> Any:
        if self.fails:
            raise psycopg2.OperationalError("it starts up")
        session = psycopg2.connect(**connection.get_connection_params())
        session.autocommit = True
        self.sessions.append(session)
        return session

    def open_now(self) -> list[Any]:
        return [session for session in self.sessions if not session.closed]


@pytest.fixture
def opened() -> Iterator[Opened]:
    opened = Opened()
    yield opened
    for session in opened.sessions:
        session.close()


def pool_of(opened: Opened, **changes: Any) -> SessionPool:
    options = {"size": 2, "overflow": 1, "timeout_seconds": 0.05, "recycle_seconds": 900, "idle_seconds": 60}
    return SessionPool(opened, **{**options, **changes})


def test_the_session_that_was_used_last_is_given_out_first(opened: Opened) -> None:
    pool = pool_of(opened)
    first, second = pool.take(), pool.take()

    pool.give_back(first)
    pool.give_back(second)

    assert [pool.take(), pool.take()] == [second, first]
    assert len(opened.sessions) == 2


def test_no_more_are_open_than_allowed_and_a_thread_is_told_when_none_comes_back(opened: Opened) -> None:
    pool = pool_of(opened)
    taken = [pool.take() for _ in range(3)]

    with pytest.raises(PoolExhausted, match="all 3 sessions"):
        pool.take()
    for session in taken:
        pool.give_back(session)

    assert len(opened.open_now()) == 2
    assert not pool.take().closed


def test_a_thread_that_waits_gets_the_session_that_comes_back(opened: Opened) -> None:
    pool = pool_of(opened, size=1, overflow=0, timeout_seconds=30)
    session, got = pool.take(), list[Any]()

    waiting = threading.Thread(target=lambda: got.append(pool.take()))
    waiting.start()
    pool.give_back(session)
    waiting.join(30)

    assert got == [session]


def test_many_threads_share_few_sessions(opened: Opened) -> None:
    pool = pool_of(opened, timeout_seconds=60)
    in_use, most = set[Any](), list[int]()

    def work() -> None:
        for _ in range(20):
            session = pool.take()
            assert session not in in_use
            in_use.add(session)
            most.append(len(in_use))
            session.cursor().execute("SELECT 1")
            in_use.remove(session)
            pool.give_back(session)

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(most) == 200
    assert max(most) <= 3
    assert len(opened.open_now()) <= 2


def test_what_a_transaction_has_left_open_is_rolled_back(opened: Opened) -> None:
    pool = pool_of(opened)
    session = pool.take()
    session.autocommit = False
    session.cursor().execute("CREATE TABLE left_open (id int)")

    pool.give_back(session)

    again = pool.take()
    assert again is session
    assert again.get_transaction_status() == TRANSACTION_STATUS_IDLE
    cursor = again.cursor()
    cursor.execute("SELECT to_regclass('left_open')")
    assert cursor.fetchone() == (None,)


def test_a_session_that_the_server_has_ended_is_replaced_unseen(opened: Opened) -> None:
    pool = pool_of(opened)
    session, other = pool.take(), pool.take()
    pool.give_back(session)
    cursor = other.cursor()
    cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [session.info.backend_pid])

    taken = pool.take()

    assert taken is not session
    taken.cursor().execute("SELECT 1")
    pool.give_back(taken)
    pool.give_back(other)
    assert len(opened.open_now()) == 2


@pytest.mark.parametrize("in_use", [True, False])
def test_sessions_that_are_distrusted_are_used_no_more(opened: Opened, in_use: bool) -> None:
    pool = pool_of(opened)
    old = pool.take()
    if not in_use:
        pool.give_back(old)

    pool.distrust_older()
    if in_use:
        pool.give_back(old)

    assert pool.take() is not old
    assert old.closed


def test_a_session_that_is_not_to_be_kept_is_closed(opened: Opened) -> None:
    pool = pool_of(opened, size=1, overflow=0)
    session = pool.take()

    pool.give_back(session, keep=False)

    assert session.closed
    assert pool.take() is not session


def test_an_old_session_is_replaced(opened: Opened) -> None:
    pool = pool_of(opened, recycle_seconds=0)
    session = pool.take()
    pool.give_back(session)

    assert pool.take() is not session
    assert session.closed


def test_what_nothing_needs_is_closed(opened: Opened) -> None:
    pool = pool_of(opened, idle_seconds=0)
    first, second = pool.take(), pool.take()

    pool.give_back(first)
    pool.give_back(second)

    assert first.closed


def test_a_server_that_refuses_takes_no_place_in_the_pool(opened: Opened) -> None:
    pool = pool_of(opened)
    opened.fails = True
    for _ in range(5):
        with pytest.raises(psycopg2.OperationalError):
            pool.take()
    opened.fails = False

    assert len({pool.take() for _ in range(3)}) == 3


def test_a_pool_that_is_disposed_of_closes_all(opened: Opened) -> None:
    pool = pool_of(opened)
    free, used = pool.take(), pool.take()
    pool.give_back(free)

    pool.dispose()
    pool.give_back(used)

    assert opened.open_now() == []
    assert len({pool.take() for _ in range(3)}) == 3


def test_a_session_that_is_closed_within_a_transaction_is_no_other_threads() -> None:
    release_connection()
    with pytest.raises(InterfaceError), transaction.atomic():  # noqa: PT012
        session = connection.connection
        connection.close()
        assert session.closed
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    release_connection()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert connection.connection is not session


def test_the_backend_uses_one_pool_for_all_threads() -> None:
    pool, found = base.pool(), list[Any]()
    release_connection()
    with connection.cursor():
        mine = connection.connection
    release_connection()

    def look() -> None:
        with connection.cursor():
            found.append(connection.connection)
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(30)

    assert pool is base.pool()
    assert found == [mine]


def test_what_a_thread_that_ended_has_not_given_back_takes_no_place_for_ever() -> None:
    release_connection()
    pool, used = base.pool(), list[Any]()
    assert pool
    before = pool._count

    def end_with_a_session() -> None:
        connections["default"].ensure_connection()
        used.append(connections["default"].connection)

    thread = threading.Thread(target=end_with_a_session)
    thread.start()
    thread.join(30)
    del thread
    gc.collect()

    assert used[0].closed
    assert pool._count <= before
