"""/metrics and the details of health are for operators, once these have said who they are. Whether all is well, anybody hears."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from django.test import Client

from tests.support import factories
from tests.support.problems import problem
from workers.models import WorkerProcess

pytestmark = pytest.mark.django_db

_TOKEN = "a-token-of-the-operators"


@pytest.fixture(autouse=True)
def _worker() -> None:
    factories.WorkerFactory.create(name="machine-7:1")


def _sees(client: Client, **how: Any) -> bool:
    """Tell whether the caller sees details. It must be the same at each address."""
    metrics = client.get("/metrics", **how)
    health, workers = client.get("/health", **how), client.get("/health/workers", **how)
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert (workers.status_code, workers.json()["status"]) == (200, "ok")
    sees = {metrics.status_code == 200, "queue" in health.json(), "workers" in workers.json()}
    assert len(sees) == 1
    if not sees.copy().pop():
        assert "workers_alive" not in metrics.content.decode()
        assert (health.json(), workers.json()) == ({"status": "ok"}, {"status": "ok"})
    return sees.pop()


@pytest.fixture(autouse=True)
def _production(settings: Any) -> None:
    assert settings.OPERATIONS_OPEN, "DEBUG=true opens them"
    settings.OPERATIONS_OPEN = False


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::1", "2001:db8::1", ""])
def test_no_caller_sees_them_where_no_operator_is_named(client: Client, address: str) -> None:
    assert not _sees(client, REMOTE_ADDR=address)


def test_all_callers_see_them_where_they_are_open(client: Client, settings: Any) -> None:
    settings.OPERATIONS_OPEN = True

    assert _sees(client, REMOTE_ADDR="2001:db8::1")


@pytest.mark.parametrize(
    ("environment", "is_open"),
    [
        ({"DEBUG": "true"}, True),
        ({"DEBUG": "true", "OPERATIONS_OPEN": "false"}, False),
        ({"DEBUG": "false"}, False),
        ({"DEBUG": "false", "OPERATIONS_TOKEN": _TOKEN}, False),
        ({"DEBUG": "false", "OPERATIONS_OPEN": "true"}, True),
    ],
)
def test_they_are_open_in_development_alone(environment: dict[str, str], is_open: bool) -> None:
    asked = "import config.settings as s; print(s.OPERATIONS_OPEN)"
    known = {"SECRET_KEY": "x" * 60, "DATABASE_URL": "postgres://x@127.0.0.1:1/n", "READ_DOTENV": "false"}
    said = subprocess.run(
        [sys.executable, "-c", asked], env=os.environ | known | environment, capture_output=True, text=True, check=True
    )

    assert said.stdout.strip() == str(is_open)


def test_the_token_shows_them(client: Client, settings: Any) -> None:
    settings.OPERATIONS_TOKEN = _TOKEN

    for said in ("", _TOKEN, "Bearer ", f"Bearer {_TOKEN}x", f"Basic {_TOKEN}", "Bearer \u00e9"):
        assert not _sees(client, headers={"authorization": said}), said
    assert _sees(client, headers={"authorization": f"Bearer {_TOKEN}"})
    refused = client.get("/metrics")
    assert problem(refused, 401, "not_authenticated")
    assert refused["WWW-Authenticate"] == "Bearer"


def test_a_network_shows_them(client: Client, settings: Any) -> None:
    settings.OPERATIONS_NETWORKS = ["10.0.0.0/8", "fd00::/8"]

    for inside in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1:2:3"):
        assert _sees(client, REMOTE_ADDR=inside), inside
    for outside in ("11.1.2.3", "127.0.0.1", "2001:db8::1", ""):
        assert not _sees(client, REMOTE_ADDR=outside), outside
    # Without a token there is nothing by which a caller could be known.
    assert problem(client.get("/metrics", REMOTE_ADDR="11.1.2.3"), 403, "permission_denied")
    assert not _sees(client, REMOTE_ADDR="11.1.2.3", headers={"authorization": "Bearer "})


def test_one_single_address_of_ipv6_is_told_from_its_neighbours(client: Client, settings: Any) -> None:
    settings.OPERATIONS_NETWORKS = ["2001:db8::7"]

    assert _sees(client, REMOTE_ADDR="2001:db8::7")
    assert not _sees(client, REMOTE_ADDR="2001:db8::8")
    assert not _sees(client, REMOTE_ADDR="2001:db8::")


def test_either_is_enough(client: Client, settings: Any) -> None:
    settings.OPERATIONS_TOKEN, settings.OPERATIONS_NETWORKS = _TOKEN, ["10.0.0.0/8"]

    assert _sees(client, REMOTE_ADDR="10.1.2.3")
    assert _sees(client, REMOTE_ADDR="203.0.113.5", headers={"authorization": f"bearer {_TOKEN}"})
    assert not _sees(client, REMOTE_ADDR="203.0.113.5")


def test_behind_a_trusted_proxy_its_callers_address_counts(client: Client, settings: Any) -> None:
    settings.OPERATIONS_NETWORKS = ["10.0.0.0/8"]
    stranger: dict[str, Any] = {"REMOTE_ADDR": "10.0.0.5", "headers": {"x-forwarded-for": "203.0.113.5"}}
    settings.TRUSTED_PROXIES = ["10.0.0.5"]

    assert not _sees(client, **stranger)
    assert _sees(client, REMOTE_ADDR="10.0.0.5", headers={"x-forwarded-for": "10.9.9.9"})
    # A stranger's word for an address of ours.
    assert not _sees(client, REMOTE_ADDR="203.0.113.5", headers={"x-forwarded-for": "10.9.9.9"})


@pytest.mark.parametrize(
    "path", ["/health/live", "/health/ready", "/api/rate-limiter/stats", "/api/replicate-rate-limiter/stats"]
)
def test_what_others_ask_needs_no_token_ever(client: Client, settings: Any, path: str) -> None:
    before = client.get(path).json()
    settings.OPERATIONS_TOKEN, settings.OPERATIONS_NETWORKS = _TOKEN, ["10.0.0.0/8"]

    answer = client.get(path)

    assert (answer.status_code, set(answer.json())) == (200, set(before))


def test_without_a_worker_strangers_hear_that_too(client: Client, settings: Any) -> None:
    settings.OPERATIONS_TOKEN = _TOKEN
    WorkerProcess.objects.all().delete()

    answer = client.get("/health/workers")

    assert (answer.status_code, answer.json()) == (503, {"status": "down"})
