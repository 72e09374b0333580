from __future__ import annotations

import math
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.support.factories import WorkerFactory
from workers import metrics
from workers.limits import Limit
from workers.pool import heartbeat
from workers.pool.heartbeat import WAITERS
from workers.pool.verdict import Verdict

pytestmark = pytest.mark.django_db


def test_the_waiting_threads_of_living_workers_are_told_by_provider_and_key() -> None:
    own, shared, plain = Limit("wix", key="a-site"), Limit("openai", model="gpt-4o"), Limit("replicate")
    WorkerFactory.create(waiting={str(own): 2, str(shared): 40})
    WorkerFactory.create(waiting={str(own): 3, str(plain): 1})
    WorkerFactory.create(waiting={str(own): 9}, heartbeat_at=timezone.now() - timedelta(seconds=30))
    WorkerFactory.create()

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({WAITERS}) AS waiters", {"lease": 20})
        names = [column.name for column in cursor.description]
        told = sorted(cursor.fetchall())

    assert names == ["provider", "key", "threads"]
    assert told == [("openai", "gpt-4o", 40), ("replicate", "", 1), ("wix", "a-site", 2), ("wix", "a-site", 3)]


def test_a_worker_shows_outside_the_database_that_it_lives(tmp_path: Path, settings: Any) -> None:
    alive = tmp_path / "alive"
    alive.touch()
    os.utime(alive, (0, 0))
    settings.BLOG_WORKER_ALIVE_PATH = str(alive)

    heartbeat.show_alive()

    assert time.time() - alive.stat().st_mtime < 60


def test_what_a_worker_measures_of_the_limits_stands_in_its_row() -> None:
    worker = WorkerFactory.create()

    heartbeat.beat(worker, 0, Verdict(), stopping=False, fed=105.9)
    worker.refresh_from_db()
    assert worker.fed == 105.9

    heartbeat.beat(worker, 0, Verdict(), stopping=False, fed=math.inf)
    worker.refresh_from_db()
    assert worker.fed is None


# --- A release that was found broken ----------------------------------------------------------------------------------


def broken() -> Verdict:
    verdict = Verdict()
    for work in range(5):
        verdict.met(work, work, "article", KeyError("a bug"))
    return verdict


def test_the_row_says_which_release_is_broken_since_when_and_where(settings: Any) -> None:
    settings.RELEASE = "1.2"
    worker, verdict = heartbeat.register(50, Verdict()), broken()

    heartbeat.beat(worker, 0, verdict, stopping=False)
    worker.refresh_from_db()
    since = worker.broken_at
    heartbeat.beat(worker, 0, verdict, stopping=False)
    worker.refresh_from_db()

    assert worker.broken_at == since is not None
    assert (worker.release, worker.broken_where) == ("1.2", "article")
    assert worker.broken_reason == "KeyError in article; 5 unexpected errors of 5 sites"


def test_the_row_of_a_broken_one_stays_when_it_leaves_and_the_next_of_its_release_begins_in_doubt() -> None:
    verdict = broken()
    worker = heartbeat.register(50, verdict)
    heartbeat.beat(worker, 0, verdict, stopping=True)
    heartbeat.unregister(worker, verdict)

    following = Verdict()
    heartbeat.register(50, following)

    assert following.room(50) == 1


def test_another_release_begins_with_all_its_seats(settings: Any) -> None:
    WorkerFactory.create(release="1.2", broken_at=timezone.now(), broken_where="article", broken_reason="why")
    settings.RELEASE = "1.3"
    verdict = Verdict()

    heartbeat.register(50, verdict)

    assert verdict.room(50) == 50


def test_so_does_one_of_a_release_of_which_another_machine_does_well(settings: Any) -> None:
    settings.RELEASE = "1.2"
    WorkerFactory.create(release="1.2", broken_at=timezone.now(), broken_where="article", broken_reason="why")
    WorkerFactory.create(release="1.2", done=1)
    verdict = Verdict()

    heartbeat.register(50, verdict)

    assert verdict.room(50) == 50


def test_one_that_does_well_clears_what_dead_ones_of_its_release_have_left(settings: Any) -> None:
    settings.RELEASE = "1.2"
    left = {"release": "1.2", "broken_at": timezone.now(), "broken_where": "article", "broken_reason": "why"}
    dead = WorkerFactory.create(**left, heartbeat_at=timezone.now() - timedelta(minutes=1))
    alive = WorkerFactory.create(**left)
    worker = WorkerFactory.create(release="1.2")
    metrics.count(metrics.DONE)

    heartbeat.beat(worker, 0, Verdict(), stopping=False)

    dead.refresh_from_db()
    alive.refresh_from_db()
    assert (dead.broken_at, dead.broken_where, dead.broken_reason) == (None, "", "")
    assert alive.broken_at


def test_a_broken_one_leaves_its_share_of_the_seats_to_others() -> None:
    WorkerFactory.create(threads=40, in_flight=3, broken_at=timezone.now())
    worker = WorkerFactory.create(threads=10)

    crew = heartbeat.beat(worker, 0, Verdict(), stopping=False)

    assert crew == (0, 10, 0, 3)
