from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg2
import pytest
from django.db import connection, transaction

from blogs.models import QueueClock
from tests.support import factories
from tests.support.threads import PATIENCE_SECONDS
from workers.database import wakeup

pytestmark = pytest.mark.django_db(transaction=True)


class Listener:
    def __init__(self) -> None:
        self.woken, self.elsewhere = threading.Event(), threading.Event()
        self.stopping = threading.Event()
        wakes = {wakeup.WORK: self.woken.set, "elsewhere": self.elsewhere.set}
        listen = partial(wakeup.listen, reconnect_seconds=0.01)
        self.thread = threading.Thread(target=listen, args=(wakes, self.stopping), daemon=True)
        self.thread.start()
        # It wakes its worker once when it listens, for whatever was sent before.
        self.wait()

    def wait(self, seconds: float = PATIENCE_SECONDS) -> None:
        assert self.woken.wait(seconds)
        self.woken.clear()

    def stop(self) -> None:
        self.stopping.set()
        wakeup.notify()
        self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive()


@pytest.fixture
def listener(settings: Any, database_url: str) -> Iterator[Listener]:
    settings.DATABASE_DIRECT_URL = database_url
    listening = Listener()
    yield listening
    listening.stop()


def test_a_notification_wakes_the_listener_within_a_second(listener: Listener) -> None:
    wakeup.notify()

    listener.wait(1)


def test_each_channel_wakes_its_own(listener: Listener) -> None:
    listener.elsewhere.clear()  # set when it began to listen

    wakeup.notify("elsewhere")

    assert listener.elsewhere.wait(PATIENCE_SECONDS)
    assert not listener.woken.is_set()


def test_a_submitted_blog_wakes_the_listener_within_a_second(listener: Listener) -> None:
    QueueClock.objects.get_or_create(pk=1)
    site = factories.site()

    factories.pending_generation(site)

    listener.wait(1)


def test_several_listeners_are_all_woken(listener: Listener) -> None:
    other = Listener()

    wakeup.notify()

    listener.wait(1)
    other.wait(1)
    other.stop()


def test_a_notification_in_a_transaction_comes_with_its_commit(listener: Listener) -> None:
    with transaction.atomic():
        wakeup.notify()
        assert not listener.woken.is_set()

    listener.wait(1)


def test_a_listener_whose_session_was_cut_listens_again(listener: Listener, database_url: str) -> None:
    administrator = psycopg2.connect(database_url)
    administrator.autocommit = True
    with administrator.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE '%-listen'"
        )
        assert cursor.rowcount >= 1  # an earlier test's session may still be ending
    administrator.close()

    listener.wait()  # it listens again
    wakeup.notify()

    listener.wait(1)


def test_a_lost_connection_does_not_lose_what_was_committed(database_url: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    administrator = psycopg2.connect(database_url)
    administrator.autocommit = True
    administrator.cursor().execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    administrator.close()

    wakeup.notify()  # raises nothing: polling finds the work

    connection.close()


def test_wake_ups_that_are_asked_for_at_once_are_folded_and_none_begins_before_its_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first is held up while seven more are asked for: one more is sent, and it is sent after all of them asked."""
    begun, may_go_on, sent = threading.Event(), threading.Event(), list[str]()

    def notify(channel: str) -> None:
        sent.append(channel)
        begun.set()
        assert may_go_on.wait(PATIENCE_SECONDS)

    monkeypatch.setattr(wakeup, "notify", notify)
    folded = wakeup._Folded()
    first = threading.Thread(target=folded.send, args=("work",))
    first.start()
    assert begun.wait(PATIENCE_SECONDS)
    more = [threading.Thread(target=folded.send, args=("work",)) for _ in range(7)]
    for each in more:
        each.start()
    while folded._asked < 8:
        threading.Event().wait(0.001)
    may_go_on.set()
    for each in (first, *more):
        each.join(PATIENCE_SECONDS)

    assert sent == ["work", "work"]


def test_one_after_the_other_each_wakes(listener: Listener) -> None:
    for _ in range(3):
        wakeup.notify_soon()
        listener.wait(1)
