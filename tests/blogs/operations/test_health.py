from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from blogs.queue import lifecycle
from tests.support import factories
from workers.context.process_memory import forget_everything
from workers.errors import RateLimited
from workers.models import WorkerProcess

_HEALTH = ["/health", "/health/workers", "/health/live"]


def _heartbeat_was(seconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE workers_workerprocess SET heartbeat_at = clock_timestamp() - %s * interval '1 second'", [seconds]
        )


@pytest.mark.django_db
def test_an_idle_service_without_workers_is_fine(client: Client) -> None:
    response = client.get("/health")

    assert response.status_code == 200
    body = response.json()
    assert (body["status"], body["database"]) == ("ok", "ok")
    assert body["workers"] == {"alive": 0, "seats": 0, "inFlight": 0}


@pytest.mark.django_db
def test_blogs_without_a_worker_are_told_but_the_web_stays_in_service(client: Client) -> None:
    factories.pending_generation()
    forget_everything()

    response = client.get("/health")

    assert (response.status_code, response.json()["status"]) == (200, "degraded")


@pytest.mark.django_db
def test_workers_are_counted_with_their_seats(client: Client) -> None:
    factories.pending_generation()
    factories.WorkerFactory.create(threads=50, in_flight=7)
    factories.WorkerFactory.create(threads=20, in_flight=1)

    body = client.get("/health").json()

    assert body["status"] == "ok"
    assert body["workers"] == {"alive": 2, "seats": 70, "inFlight": 8}


@pytest.mark.django_db
@pytest.mark.parametrize(("silent", "status", "alive"), [(25, "ok", 1), (35, "degraded", 0)])
def test_a_worker_that_has_fallen_silent_does_not_count(client: Client, silent: int, status: str, alive: int) -> None:
    factories.pending_generation()
    factories.WorkerFactory.create()
    _heartbeat_was(silent)
    forget_everything()

    body = client.get("/health").json()

    assert (body["status"], body["workers"]["alive"]) == (status, alive)


@pytest.mark.django_db
def test_the_queue_is_described(client: Client, settings: Any) -> None:
    site = factories.site()
    factories.done_generation(site)
    factories.failed_generation(site)
    lifecycle.defer(factories.processing_generation(site), RateLimited("rate_limited", "Later.", retry_in=60))
    factories.processing_generation(site)
    waiting = [factories.pending_generation(site).pk for _ in range(2)]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blog_generations SET ready_at = clock_timestamp() - interval '90 seconds' WHERE id = %s",
            waiting[:1],
        )
    forget_everything()

    queue = client.get("/health").json()["queue"]

    assert 90 <= queue.pop("oldestWaitingSeconds") < 120
    assert queue == {
        "ready": 2,
        "limit": settings.BLOG_QUEUE_LIMIT,
        "delayed": 1,
        "processing": 1,
        "doneLastMinute": 1,
        "failedLastMinute": 1,
    }


def test_alive_means_that_the_process_answers_without_the_database(client: Client) -> None:
    response = client.get("/health/live")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_without_workers_their_own_check_fails(client: Client) -> None:
    factories.WorkerFactory.create()
    _heartbeat_was(60)

    response = client.get("/health/workers")

    assert (response.status_code, response.json()) == (503, {"status": "down", "workers": []})


@pytest.mark.django_db
def test_workers_are_listed_by_name(client: Client) -> None:
    factories.WorkerFactory.create(name="a:1", threads=50, in_flight=3, done=10, failed=2, stopping=True, release="1.2")

    response = client.get("/health/workers")

    assert response.status_code == 200
    (worker,) = response.json()["workers"]
    del worker["heartbeatAt"]
    assert worker == {
        "name": "a:1", "seats": 50, "inFlight": 3, "done": 10, "failed": 2, "stopping": True, "waiting": {},
        "release": "1.2", "brokenAt": None, "brokenWhere": "",
    }  # fmt: skip


@pytest.mark.django_db
def test_a_broken_release_is_told_without_the_reason(client: Client) -> None:
    left = {"release": "1.2", "broken_where": "article", "broken_reason": "KeyError"}
    for name in ("a:1", "b:2"):
        factories.WorkerFactory.create(name=name, broken_at=timezone.now(), **left)

    answer = client.get("/health")

    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "degraded")
    message = "Release 1.2 on a:1 and 1 more meets errors of ours (article) and takes no blogs."
    assert body["alerts"] == [{"name": "release_broken", "severity": "critical", "message": message}]
    assert "KeyError" not in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("path", [*_HEALTH, "/api/rate-limiter/stats", "/api/replicate-rate-limiter/stats"])
def test_no_sites_data_is_shown_to_strangers(client: Client, path: str) -> None:
    site = factories.site(name="Secret Scarves", instance_id=uuid.uuid4())
    factories.pending_generation(site, source_id="secret silk")
    # As a worker's heartbeat writes it while threads wait for a site's own limit.
    WorkerProcess.objects.create(name="a:1", threads=50, waiting={f"wix:{site.instance_id}": 3, "openai": 1})

    shown = client.get(path).content.decode()

    assert not [secret for secret in ("Scarves", "silk", str(site.instance_id)) if secret in shown]


@pytest.mark.django_db
@pytest.mark.parametrize("path", _HEALTH)
def test_health_needs_no_slash_is_never_cached_and_only_read(client: Client, path: str) -> None:
    factories.WorkerFactory.create()

    assert client.get(f"{path}/").status_code == 200
    assert "no-store" in client.get(path)["Cache-Control"]
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


@pytest.mark.django_db
def test_a_token_is_neither_needed_nor_looked_at(client: Client) -> None:
    assert client.get("/health", headers={"authorization": "Bearer nonsense"}).status_code == 200
