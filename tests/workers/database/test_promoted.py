"""A server that is really promoted, or only started again."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest

from config import embedded_postgres
from tests.support import processes

pytestmark = [pytest.mark.slow_process, pytest.mark.django_db]

_TABLE = """
CREATE TABLE workers_installation (
    id smallint PRIMARY KEY, system text, database bigint, table_oid bigint, timeline bigint, renewed_at timestamptz,
    settled_at timestamptz)
"""
_LOOK = """
import json
from workers.database import installation
found = installation.look()
{then}
print(json.dumps([found.verdict.name, found.here.timeline]))
"""


def _execute(url: str, statement: str) -> None:
    with closing(psycopg2.connect(url)) as other:
        other.autocommit = True
        other.cursor().execute(statement)


def _look(url: str, then: str = "") -> list[object]:
    found: list[object] = processes.ask(_LOOK.format(then=then), DATABASE_URL=url)
    return found


def test_its_timeline_says_so_and_a_restart_says_nothing() -> None:
    with embedded_postgres.spare_server("promoted") as server:
        _execute(server.url, _TABLE)
        _look(server.url, then="installation.renew(found)")

        server.stop("immediate")
        server.start()
        restarted = _look(server.url)
        server.stop("fast")
        (server.data / "standby.signal").touch()
        server.start()
        standby = _look(server.url)
        _execute(server.url, "SELECT pg_promote()")
        promoted = _look(server.url)

    assert restarted == ["SAME", 1]
    assert standby == ["SAME", None]  # it takes no writes; that is what a worker hears
    assert promoted == ["PROMOTED", 2]
