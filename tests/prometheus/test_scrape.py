"""A real Prometheus scrapes a page of ours: the page is clean, and each query of the dashboards and rules finds something."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from blogs.queue import lifecycle
from tests.support import factories
from tests.support.threads import wait_until
from tests.support.workers.counts import count_one_of_each
from tests.support.world import free_port
from workers import limits, metrics
from workers.errors import PermanentError
from workers.limits import Limit

ROOT = Path(__file__).resolve().parents[2]
BOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow_process]


def _queries() -> list[str]:
    """All queries of the dashboards."""
    boards = [json.loads(board.read_text()) for board in BOARDS]
    return sorted({target["expr"] for board in boards for panel in board["panels"] for target in panel["targets"]})


@pytest.fixture
def page(live_server: Any) -> str:
    """The address of a page on which each metric has a sample."""
    shop = factories.site()
    factories.done_generation(shop)
    lifecycle.fail(factories.processing_generation(shop), PermanentError("content_refused", "No."))
    factories.WorkerFactory.create(waiting={"openai:gpt": 3}, fed=50.0)
    openai = Limit("openai", model="gpt-4.1-mini")
    limits.settle(limits.acquire(openai, tokens=3_000), 2_200)
    metrics.count(metrics.EVENTS, "deferred", "rate_limited")
    metrics.count(metrics.CALLS, "openai", "article", "timeout")
    metrics.count(metrics.TOKENS, "article:medium", "reserved", by=5_000)
    metrics.count(metrics.REQUESTS, "blog-generation-list", "POST", "201")
    count_one_of_each()
    return f"{live_server.url}/metrics"


@pytest.fixture
def api(prometheus: str, page: str, tmp_path: Path) -> Iterator[str]:
    """The address of a Prometheus that has scraped the page more than once."""
    port = free_port()
    scrape = {"job_name": "blogs", "static_configs": [{"targets": [re.findall(r"//(.*)/metrics", page)[0]]}]}
    rules = str(ROOT / "deploy" / "alerts.yml")
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [scrape],
        "rule_files": [rules],
    }
    (tmp_path / "prometheus.yml").write_text(json.dumps(configuration))
    own = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen([prometheus, *own, f"--web.listen-address=127.0.0.1:{port}"], stderr=log)
    address = f"http://127.0.0.1:{port}/api/v1"
    try:
        wait_until(lambda: len(_values(address, "up{job='blogs'}[1m]")) >= 3)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def _asked(address: str, query: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{address}/query?{urlencode({'query': query})}", timeout=10) as answer:
        found = json.load(answer)
    assert found["status"] == "success"
    result: list[dict[str, Any]] = found["data"]["result"]
    return result


def _values(address: str, query: str) -> list[Any]:
    try:
        return [value for series in _asked(address, query) for value in series["values"]]
    except OSError:
        return []  # it is starting


def test_promtool_finds_nothing_wrong_with_the_page(promtool: str, page: str) -> None:
    with urllib.request.urlopen(page, timeout=10) as answer:
        checked = subprocess.run([promtool, "check", "metrics"], input=answer.read(), capture_output=True)

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_each_query_of_the_dashboards_finds_series(api: str) -> None:
    assert len(BOARDS) == 3
    found = {query: len(_asked(api, query)) for query in _queries()}

    assert len(found) > 40
    assert [query for query, series in found.items() if not series] == []


def test_prometheus_evaluates_each_rule(api: str) -> None:
    with urllib.request.urlopen(f"{api}/rules", timeout=10) as answer:
        rules = [rule for group in json.load(answer)["data"]["groups"] for rule in group["rules"]]

    assert len(rules) == (ROOT / "deploy" / "alerts.yml").read_text().count("- alert:")
    assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []
