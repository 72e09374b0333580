"""`manage.py load_test` against a real gunicorn, a real worker and the stand-ins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from blogs.load_test import providers
from blogs.models import BlogGeneration, Status
from credits import ledger
from credits.models import Credit
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.worker_process import Worker
from tests.support.database import database_url
from tests.support.front import Answer, Front
from tests.support.threads import wait_until
from tests.support.web_server import served
from wix.models import Site
from workers.models import WorkerProcess

pytestmark = pytest.mark.slow_process


@pytest.fixture
def url(sandbox: Sandbox, settings: Any) -> Iterator[str]:
    ours = {"WIX_APP_ID": settings.WIX_APP_ID, "WIX_APP_SECRET": settings.WIX_APP_SECRET}
    with served(DATABASE_URL=database_url(), WEB_PROCESSES="1", **ours) as port:
        yield f"http://localhost:{port}"


@pytest.fixture
def worker(sandbox: Sandbox) -> Iterator[None]:
    """One that is alive."""
    started = Worker(sandbox)
    started.start()
    try:
        wait_until(WorkerProcess.objects.exists, seconds=20)
        yield
    finally:
        started.kill()


def _run(*arguments: str) -> tuple[list[str], dict[str, Any]]:
    """Run it. Return what it printed, and its last line."""
    printed = StringIO()
    try:
        call_command("load_test", *arguments, stdout=printed)
    finally:
        print(printed.getvalue())
    lines = printed.getvalue().splitlines()
    return lines, json.loads(lines[-1])


def test_all_are_done_and_the_figures_say_so(url: str, worker: None) -> None:
    lines, figures = _run("--url", url, "--requests", "12", "--sites", "3", "--threads", "4", "--wait", "60")

    assert BlogGeneration.objects.filter(status=Status.DONE).count() == 12
    assert (figures["accepted"], figures["done"], figures["unfinished"]) == (12, 12, 0)
    assert figures["statuses"] == {"201": 12}
    assert figures["ledger_exact"]
    assert figures["blogs_per_minute"] > 0
    assert figures["highest_use"]["openai tokens"] > 0
    assert lines[0].split() == ["status", "requests", "p50", "ms", "p90", "ms", "p99", "ms", "max", "ms"]
    assert lines[1].split()[:2] == ["201", "12"]


def test_its_shops_are_used_again_and_get_only_the_credits_that_they_lack(url: str) -> None:
    again = ("--url", url, "--requests", "4", "--sites", "2", "--wait", "0")
    _run(*again)
    with transaction.atomic():
        ledger.grant(ledger.lock(Site.objects.get(name="Load test 1").pk), 40, reason="a gift")

    _, figures = _run(*again)

    assert figures["statuses"] == {"201": 4}
    assert sorted(Site.objects.values_list("name", flat=True)) == ["Load test 1", "Load test 2"]
    grants = Credit.objects.filter(kind=Credit.Kind.GRANT)
    assert sorted(grants.values_list("amount", "reason")) == [
        (10, "load test"),
        (40, "a gift"),
        *[(50, "load test")] * 3,
    ]


def test_refusals_are_counted_and_end_it_with_an_error(url: str) -> None:
    factories.site(name="Poor Shop", credits=25)

    with pytest.raises(CommandError, match=r"^2 requests were refused"):
        _run("--url", url, "--requests", "3", "--site", "Poor Shop", "--sites", "1", "--wait", "0")

    assert BlogGeneration.objects.count() == 1


def test_blogs_that_no_worker_finishes_are_named_when_its_patience_ends(url: str) -> None:
    factories.WorkerFactory.create()

    with pytest.raises(CommandError, match=r"^2 blogs are not DONE"):
        _run("--url", url, "--requests", "2", "--sites", "1", "--wait", "0.2")


def test_without_a_worker_it_asks_for_nothing(url: str) -> None:
    with pytest.raises(CommandError, match="No worker has a heartbeat"):
        _run("--url", url, "--wait", "1")

    assert not BlogGeneration.objects.exists()


@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "REPLICATE_BASE_URL", "WIX_BASE_URL"])
def test_a_real_provider_is_refused_and_its_cost_named(name: str, sandbox: Sandbox, settings: Any) -> None:
    # It is never called, since it is outside.
    setattr(settings, name, "https://9.9.9.9/v1")

    with pytest.raises(CommandError) as caught:
        _run("--requests", "200")

    assert f"Real providers: {name} (9.9.9.9 is outside this network)" in str(caught.value)
    assert "400 calls" in str(caught.value)
    assert "5,000 of the shops' credits" in str(caught.value)
    assert not Site.objects.exists()


def test_a_gateway_inside_the_network_is_taken_for_real(url: str, settings: Any) -> None:
    """It may lead to a provider that wants money. This one is our own web process, which is no stand-in."""
    settings.OPENAI_BASE_URL = f"{url}/v1"

    assert providers.real() == ["OPENAI_BASE_URL (localhost does not answer as our stand-ins do)"]


def test_really_wants_a_shop_that_wix_knows(sandbox: Sandbox, settings: Any) -> None:
    settings.OPENAI_BASE_URL = "https://9.9.9.9/v1"

    with pytest.raises(CommandError, match="--really needs --site NAME"):
        _run("--really")


def test_a_shop_that_is_not_there_is_named(url: str) -> None:
    with pytest.raises(CommandError, match="--site Nowhere: there must be exactly one"):
        _run("--url", url, "--site", "Nowhere", "--wait", "0")


def test_a_service_on_another_database_is_found_out(front: Front) -> None:
    front.on("GET", "/health/live", Answer(200))
    front.on("GET", "/api/credits", Answer(401))
    front.on("POST", "/api/blog-generation", Answer(201, {"id": 4711}))

    with pytest.raises(CommandError, match="uses another database"):
        _run("--url", front.url, "--requests", "2", "--sites", "1", "--wait", "0")


def test_a_service_that_is_not_there_is_named(sandbox: Sandbox) -> None:
    with pytest.raises(CommandError, match=r"GET http://127\.0\.0\.1:1/health/live"):
        _run("--url", "http://127.0.0.1:1", "--wait", "0")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--requests", "0"], "--requests must be 1 to 100,000"),
        (["--requests", "2", "--sites", "3"], "--sites must be at least 1, and not more"),
        (["--threads", "0"], "--threads must be 1 to 200"),
        (["--wait", "-1"], "--wait is a number of seconds"),
        (["--wait", "nan"], "--wait is a number of seconds"),
        (["--url", "localhost:3000"], "--url must be an address"),
        (["--host", "a b"], "--host must be a host name"),
        (["--host", "a\r\nX: y"], "--host must be a host name"),
        (["--cacert", "/nowhere.pem"], "--cacert /nowhere.pem: no certificate can be read .No such file"),
        (["--cacert", "README.md"], "--cacert README.md: no certificate can be read"),
    ],
)
def test_a_wrong_argument_is_named(arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=f"^{says}"):
        _run(*arguments)
