"""How fast requests for blogs come in: `make bench NAME=intake`.

Beside a bare view of REST framework in the same server (`intake_server`), in turn and three times:

- `ratio`: our requests a second over the bare view's; 32 connections, 200 sites.
- `cpu_ms`: what one request costs the web processes and PostgreSQL, ours and the bare view's.
- `burst`: 5,000 requests at once, over 200 connections, from 200 sites.
- `one_key`: 5,000 requests of one site with one Idempotency-Key, over 30 connections: blogs and open holds that there are then.
- `queue_limit`: 2,500 requests at once where the queue takes 500.
"""

from __future__ import annotations

import itertools
import os
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from django.db import connection

from config.processes import Processes, listener
from tests.bench import crowd, filling
from tests.bench.posting import Answers, post_all, request
from tests.support.web_server import exchange
from tests.support.web_server import request as plain
from wix.identity.signed_instance import sign_instance
from wix.models import Site

SITES, BURST, CONNECTIONS = 200, 5_000, 200
_ROUNDS, _EACH, _PARALLEL = 3, 1_500, 32
_LIMIT, _STORM = 500, 2_500
# Fewer than a site may have at once.
_REPEATERS = 30
PROCESSES, THREADS = 2, 16
_OF_ONE_SITE = """
SELECT (SELECT count(*) FROM blog_generations WHERE site_id = %s),
       (SELECT count(*) FROM credits_credit JOIN credits_creditaccount account ON account.id = account_id
         WHERE account.site_id = %s AND kind = 'hold')
"""
_BARE_TABLES = """
CREATE TABLE bench_token (key varchar(100) PRIMARY KEY, site_id bigint NOT NULL REFERENCES wix_site);
CREATE TABLE bench_blog (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, site_id bigint NOT NULL REFERENCES wix_site,
    source_type varchar(20) NOT NULL, source_id varchar(500) NOT NULL, status varchar(20) NOT NULL,
    created_at timestamptz NOT NULL);
CREATE INDEX ON bench_blog (site_id, id);
"""


def measure() -> dict[str, Any]:
    sites = shops(SITES)
    _add_bare_tables(sites)
    with serving() as (port, web):
        ours, bare = _rounds(port, web, sites)
        burst, bare_burst = _burst(port, sites)
        one_key = _one_key(port, sites[0])
    with serving(BLOG_QUEUE_LIMIT=str(_LIMIT)) as (port, _):
        storm = _storm(port, sites)
    return {
        "ratio": round(statistics.median(o / b for o, b in zip(ours.rates, bare.rates, strict=True)), 3),
        "ours_per_s": [round(rate) for rate in ours.rates],
        "bare_per_s": [round(rate) for rate in bare.rates],
        "cpu_ms": {"web": ours.web_ms, "postgres": ours.postgres_ms},
        "bare_cpu_ms": {"web": bare.web_ms, "postgres": bare.postgres_ms},
        "burst": burst,
        "bare_burst": bare_burst,
        "one_key": one_key,
        "queue_limit": storm,
    }


def shops(count: int) -> list[Site]:
    filling.add_sites(count)
    filling.analyze()
    return list(Site.objects.order_by("pk"))


def _add_bare_tables(sites: list[Site]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_BARE_TABLES)
        rows = [(f"token-{site.instance_id}", site.pk) for site in sites]
        cursor.executemany("INSERT INTO bench_token VALUES (%s, %s)", rows)


@contextmanager
def serving(**environment: str) -> Iterator[tuple[int, list[psutil.Process]]]:
    """Start our web server; give its port and its processes."""
    crowd.LOG.parent.mkdir(exist_ok=True)
    defaults = {"WEB_PROCESSES": str(PROCESSES), "WEB_THREADS": str(THREADS), "LOG_LEVEL": "INFO"}
    with Processes({**os.environ, **defaults, **environment}, log=crowd.LOG, grace=5) as running:
        with listener("127.0.0.1", 0) as at:
            port = int(at.getsockname()[1])
            arguments = ("-m", "gunicorn", "-c", "config/gunicorn.py", "tests.bench.intake_server")
            server = running.start_with(at, "web", *arguments, BIND=f"fd://{at.fileno()}")
            running.wait_for(
                lambda: exchange(port, plain("GET", "/health/live"), seconds=60)[0] == 200,
                seconds=60,
                what="the server",
            )
        tree = psutil.Process(server.pid)
        running.wait_for(lambda: len(tree.children()) == PROCESSES, seconds=30, what="its processes")
        yield port, [tree, *tree.children()]


class _Runs:
    """The rounds of one kind of request."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self._requests, self._web, self._postgres = 0, 0.0, 0.0

    def add(self, answers: Answers, used: crowd.Usage) -> None:
        self.rates.append(answers.per_second)
        self._requests += len(answers.seconds)
        self._web += used.worker_cpu
        self._postgres += used.postgres_cpu

    @property
    def web_ms(self) -> float:
        return round(1_000 * self._web / self._requests, 2)

    @property
    def postgres_ms(self) -> float:
        return round(1_000 * self._postgres / self._requests, 2)


def ours(sites: list[Site], count: int) -> Iterator[bytes]:
    """Yield requests of these sites in turn, each for another topic."""
    tokens = [sign_instance(site.instance_id) for site in sites]
    for number, token in zip(range(count), itertools.cycle(tokens), strict=False):
        body = b'{"sourceType":"keyword","sourceId":"wool scarves %d"}' % number
        yield request("/api/blog-generation", token, body)


def _bare(sites: list[Site], count: int) -> Iterator[bytes]:
    for number, site in zip(range(count), itertools.cycle(sites), strict=False):
        body = b'{"source_type":"keyword","source_id":"wool scarves %d"}' % number
        yield request("/bare", f"token-{site.instance_id}", body)


def _rounds(port: int, web: list[psutil.Process], sites: list[Site]) -> tuple[_Runs, _Runs]:
    runs = {ours: _Runs(), _bare: _Runs()}
    for kind in runs:
        post_all(port, kind(sites, 400), connections=_PARALLEL)  # each process has served, each session has its plans
    for _ in range(_ROUNDS):
        for kind, found in runs.items():
            before = crowd.usage(web)
            answers = post_all(port, kind(sites, _EACH), connections=_PARALLEL)
            assert set(answers.statuses) == {201}, answers.statuses
            found.add(answers, crowd.usage(web) - before)
            print(f"{kind.__name__}: {answers.per_second:.0f} a second", flush=True)
    return runs[ours], runs[_bare]


def _burst(port: int, sites: list[Site]) -> tuple[dict[str, Any], dict[str, Any]]:
    _empty_queue()
    before = crowd.query("SELECT count(*) FROM blog_generations")[0]
    found = post_all(port, ours(sites, BURST), connections=CONNECTIONS)
    stored = crowd.query("SELECT count(*) FROM blog_generations")[0] - before
    bare = post_all(port, _bare(sites, BURST), connections=CONNECTIONS)
    print(f"burst: {found.took:.1f} s, the bare view {bare.took:.1f} s", flush=True)
    described = {"sent": BURST, "stored": round(stored), "times_as_long": round(found.took / bare.took, 2)}
    described["bare_p99_s"] = _told(bare)["p99_s"]
    return described | _told(found), _told(bare)


def _one_key(port: int, site: Site) -> dict[str, Any]:
    _empty_queue()
    before = crowd.query(_OF_ONE_SITE, site.pk, site.pk)
    body = b'{"sourceType":"keyword","sourceId":"one key"}'
    sent = request("/api/blog-generation", sign_instance(site.instance_id), body, more="Idempotency-Key: one\r\n")
    found = post_all(port, itertools.repeat(sent, BURST), connections=_REPEATERS)
    blogs, holds = (
        round(now - then) for now, then in zip(crowd.query(_OF_ONE_SITE, site.pk, site.pk), before, strict=True)
    )
    statuses = {str(status): count for status, count in sorted(found.statuses.items())}
    return {"sent": BURST, "answers": statuses, "lost": found.lost, "blogs": blogs, "holds": holds}


def _told(answers: Answers) -> dict[str, Any]:
    return {
        "created": answers.statuses[201],
        "refused": sum(count for status, count in answers.statuses.items() if status != 201),
        "lost": answers.lost,
        "seconds": round(answers.took, 2),
        "p50_s": round(answers.quantile(0.5), 3),
        "p99_s": round(answers.quantile(0.99), 3),
    }


def _storm(port: int, sites: list[Site]) -> dict[str, Any]:
    _empty_queue()
    found = post_all(port, ours(sites, _STORM), connections=CONNECTIONS)
    rows = crowd.query("SELECT count(*) FROM blog_generations WHERE ready")[0]
    statuses = {str(status): count for status, count in sorted(found.statuses.items())}
    return {"limit": _LIMIT, "threads": PROCESSES * THREADS, "rows": round(rows), "sent": _STORM, "answers": statuses}


def _empty_queue() -> None:
    """Cancel all that waits, as far as lines and limits go; no figure here looks at the ledger."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blog_generations SET status = 'CANCELLED', ready = false, finished_at = now() WHERE status = 'PENDING'"
        )
        cursor.execute("UPDATE blogs_siteline SET waiting = 0")
