from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests.support.factories import WorkerFactory
from workers.limits import Limit
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
