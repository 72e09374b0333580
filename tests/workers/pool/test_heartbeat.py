from __future__ import annotations

import math
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests.support.factories import WorkerFactory
from workers.limits import Limit
from workers.pool import heartbeat
from workers.pool.heartbeat import WAITERS

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


def test_what_a_worker_measures_of_the_limits_stands_in_its_row() -> None:
    worker = WorkerFactory.create()

    heartbeat.beat(worker, 0, stopping=False, fed=105.9)
    worker.refresh_from_db()
    assert worker.fed == 105.9

    heartbeat.beat(worker, 0, stopping=False, fed=math.inf)
    worker.refresh_from_db()
    assert worker.fed is None
