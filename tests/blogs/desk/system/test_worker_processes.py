from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.support.blogs.desk_pages import text_of, visible
from tests.support.factories import WorkerFactory, site

pytestmark = pytest.mark.django_db


def test_a_worker_without_a_heartbeat_is_shown_as_lost(desk: Client) -> None:
    WorkerFactory.create(name="alive:1", release="1.2", waiting={"openai": 3})
    WorkerFactory.create(name="dead:2", release="1.1", heartbeat_at=timezone.now() - timedelta(minutes=10))

    page = visible(text_of(desk, "/admin/workers/workerprocess/"))

    assert "alive:1 1.2 alive 0 s ago" in page
    assert "openai: 3" in page
    assert "dead:2 1.1 lost 10 min ago" in page


def test_a_worker_whose_release_is_broken_says_why(desk: Client) -> None:
    WorkerFactory.create(release="1.2", broken_at=timezone.now(), broken_reason="KeyError in article")

    page = visible(text_of(desk, "/admin/workers/workerprocess/"))

    assert "takes probes only KeyError in article" in page


def test_a_shops_limit_that_threads_wait_for_is_called_by_the_shop(desk: Client) -> None:
    harbour = site(name="Harbour Coffee")
    worker = WorkerFactory.create(waiting={f"wix:{harbour.instance_id}": 2, "openai:gpt-5": 1})

    for address in ("/admin/workers/workerprocess/", f"/admin/workers/workerprocess/{worker.pk}/change/"):
        page = visible(text_of(desk, address))

        assert "openai:gpt-5: 1, wix of Harbour Coffee: 2" in page
        assert str(harbour.instance_id) not in page
