"""Everything works through PgBouncer in transaction mode, on fewer connections than a worker has threads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from django.db import connection

from blogs.models import GenerationEvent
from blogs.operations import proof
from blogs.queue.lines import CLAIM_LOCK
from tests.support import factories
from tests.support.blogs.worker_process import statuses
from tests.support.pgbouncer import SERVER_CONNECTIONS, PgBouncer
from tests.support.threads import wait_until
from wix import catalog
from wix.models import Site
from workers.models import WorkerProcess

pytestmark = [pytest.mark.slow_process, pytest.mark.django_db(transaction=True)]

_SUBMIT = """
from tests.support import factories
from wix.models import Site
factories.pending_generation(Site.objects.get())
"""

# Not ours, and not the workers' own that listens.
_THROUGH_PGBOUNCER = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend'
   AND application_name <> %s AND application_name NOT LIKE '%%-listen'
"""
_CLAIM_LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted = %s"


def test_two_workers_of_fifty_threads_share_five_connections(shop: Site, worker: Callable[..., Any]) -> None:
    blogs = 40
    # Read before, or blogs that find it being read for too long start twice.
    catalog.fitting(str(shop.instance_id), "wool", at_most=1, seconds=30)
    with connection.cursor() as cursor:
        # The lock under which all claims are made is taken: both workers are seen to wait for it.
        cursor.execute("SELECT pg_advisory_lock(%s)", [CLAIM_LOCK])
    for number in range(blogs):
        factories.pending_generation(shop, source_id=f"topic {number}")
    for number in range(2):
        worker(PROCESS_NAME=f"worker-{number}").start("--threads", "50")
    wait_until(lambda: _number(_CLAIM_LOCKS, CLAIM_LOCK, False) >= 2)
    assert set(statuses()) == {"PENDING"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [CLAIM_LOCK])
    most = 0

    def all_done() -> bool:
        nonlocal most
        most = max(most, _number(_THROUGH_PGBOUNCER, connection.settings_dict["OPTIONS"]["application_name"]))
        return statuses() == ["DONE"] * blogs

    wait_until(all_done, seconds=120)

    assert 2 <= most <= SERVER_CONNECTIONS
    assert GenerationEvent.objects.filter(kind=GenerationEvent.Kind.STARTED).count() == blogs
    # A worker may be claiming at this moment; a lock that stayed behind would be there for good.
    wait_until(lambda: _number(_CLAIM_LOCKS, CLAIM_LOCK, True) == 0)
    assert proof.discrepancies() == []


def test_a_submit_through_pgbouncer_wakes_a_worker_that_hardly_polls(
    shop: Site, pgbouncer: PgBouncer, worker: Callable[..., Any]
) -> None:
    worker(PROCESS_NAME="worker").start("--poll-interval", "3600")
    wait_until(lambda: WorkerProcess.objects.exists() and _number(_IDLE_LISTENERS) == 1)

    _manage(pgbouncer, "shell", "--no-imports", "-c", _SUBMIT)

    wait_until(lambda: statuses() == ["DONE"])


_IDLE_LISTENERS = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = 'worker-listen' AND query LIKE 'LISTEN%' AND state = 'idle'
"""


def test_a_client_that_stops_in_mid_transaction_holds_its_locks_for_five_seconds_only(pgbouncer: PgBouncer) -> None:
    factories.site()
    stopped, blocked = psycopg2.connect(pgbouncer.url), psycopg2.connect(pgbouncer.url)
    stopped.cursor().execute("SELECT 1 FROM credits_creditaccount FOR UPDATE")

    blocked.cursor().execute("SET LOCAL lock_timeout = '20s'; SELECT 1 FROM credits_creditaccount FOR UPDATE")

    with pytest.raises(psycopg2.OperationalError):
        stopped.cursor().execute("SELECT 1")
    for client in (stopped, blocked):
        client.close()


def test_the_deployed_file_makes_the_database_checks_content(pgbouncer: PgBouncer) -> None:
    assert "no issues" in _manage(pgbouncer, "check", "--database", "default")


def test_without_its_connect_query_the_checks_name_the_lost_timeout(start_pgbouncer: Callable[..., PgBouncer]) -> None:
    said = _manage(start_pgbouncer(connect_query=False), "check", "--database", "default")

    assert "workers.W002" in said
    assert "deploy/pgbouncer.ini" in said


def test_a_direct_address_of_another_database_is_an_error(pgbouncer: PgBouncer) -> None:
    elsewhere = pgbouncer.direct_url.rpartition("/")[0] + "/postgres"

    said = _manage(pgbouncer, "check", "--database", "default", DATABASE_DIRECT_URL=elsewhere)

    assert "workers.E007" in said


def test_without_the_direct_address_no_process_starts_and_one_line_says_why(pgbouncer: PgBouncer) -> None:
    alone = {"DATABASE_DIRECT_URL": "", "DEBUG": "true"}

    by_hand = _manage(pgbouncer, "preflight", **alone)
    worker = _manage(pgbouncer, "run_blog_worker", **alone)
    migrate = _manage(pgbouncer, "migrate", **alone)

    assert "pooler_unnamed: DATABASE_URL leads to PgBouncer" in by_hand
    assert "Name the server itself in DATABASE_DIRECT_URL" in worker
    assert "Name the server itself in DATABASE_DIRECT_URL" in migrate
    assert not [said for said in (by_hand, worker, migrate) if "Traceback" in said]


def test_a_pooler_that_ignores_our_options_is_found_too(start_pgbouncer: Callable[..., PgBouncer]) -> None:
    pgbouncer = start_pgbouncer(ignore_startup_parameters="options")

    assert "pooler_unnamed" in _manage(pgbouncer, "preflight", DATABASE_DIRECT_URL="")


def test_a_direct_address_that_leads_to_the_pooler_too_is_named(pgbouncer: PgBouncer) -> None:
    # Another way to write the same.
    other = pgbouncer.url + "?connect_timeout=4"

    said = _manage(pgbouncer, "preflight", "--process", "worker", DATABASE_DIRECT_URL=other)

    assert "direct_url_pooled" in said
    assert "pooler_unnamed" not in said


def test_behind_pgbouncer_with_both_addresses_nothing_is_wrong_with_the_database(pgbouncer: PgBouncer) -> None:
    # A hundred processes would be too many for the server itself.
    said = _manage(pgbouncer, "preflight", "--web-processes", "100")

    assert not [fault for fault in ("pooler", "database", "migrations", "connections", "direct") if fault in said]


def _manage(pgbouncer: PgBouncer, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env={**os.environ, **pgbouncer.environment(), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    return done.stdout


def _number(sql: str, *parameters: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return int(cursor.fetchone()[0])
