"""What a database may be like that no process of ours can work with. Each is a real one."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from typing import Any

import psycopg2
import pytest
import time_machine
from django.db.migrations.loader import MigrationLoader

from blogs.preflight import start
from blogs.preflight.database import known_migrations
from blogs.preflight.faults import KINDS, Weight
from tests.support import factories
from tests.support.between import wire
from tests.support.blogs.restored import as_a_copy
from tests.support.database import database_url
from tests.support.preflight import Database, Preflight
from tests.support.spare_databases import spare_database

pytestmark = pytest.mark.django_db


def _execute(url: str, *statements: str) -> None:
    with closing(psycopg2.connect(url)) as session, session.cursor() as cursor:
        session.autocommit = True
        for statement in statements:
            cursor.execute(statement)


def test_nothing_is_wrong_with_a_healthy_installation(preflight: Preflight) -> None:
    for process in ((), ("--process", "web"), ("--process", "worker")):
        said = preflight(*process)
        assert (said.code, said.text) == (0, "Nothing is wrong.\n")
    assert start.may_start("web", web_processes=2)
    assert start.may_start("worker")


def test_an_ascii_database_is_named(preflight: Preflight, use_database: Database) -> None:
    with spare_database(encoding="SQL_ASCII") as url:
        use_database(url)
        said = preflight()

    assert (said.code, said.faults) == (1, ["database_encoding", "migrations_unapplied"])
    assert "SQL_ASCII" in said.text


def test_a_database_of_the_last_release_or_without_tables_is_named(
    preflight: Preflight, use_database: Database, migrated_copy: str
) -> None:
    use_database(migrated_copy)
    assert preflight().code == 0

    _execute(migrated_copy, "DELETE FROM django_migrations WHERE app = 'workers' AND name LIKE '0003%'")
    behind = preflight()
    _execute(migrated_copy, "DROP TABLE django_migrations")
    empty = preflight()

    assert (behind.code, behind.faults) == (1, ["migrations_unapplied"])
    assert "1 migrations are not applied, the first of them workers.0003" in behind.text
    assert "manage.py migrate" in behind.text
    assert (empty.code, empty.faults) == (1, ["migrations_unapplied"])


def test_a_database_that_a_newer_release_has_migrated_is_no_fault(
    preflight: Preflight, use_database: Database, migrated_copy: str
) -> None:
    use_database(migrated_copy)
    _execute(
        migrated_copy, "INSERT INTO django_migrations VALUES ('blogs', '9999_of_tomorrow'), ('gone', '0001_initial')"
    )

    assert preflight().code == 0


def test_a_database_that_takes_no_writes_is_named(
    preflight: Preflight, use_database: Database, migrated_copy: str
) -> None:
    use_database(migrated_copy)
    _execute(migrated_copy, f"ALTER DATABASE {migrated_copy.rpartition('/')[2]} SET default_transaction_read_only = on")

    said = preflight()

    assert (said.code, said.faults) == (1, ["database_read_only"])


@pytest.mark.parametrize(
    ("url", "because"),
    [
        ("postgres://none@127.0.0.1:1/none", "Connection refused"),
        ("{server}/nowhere", 'database "nowhere" does not exist'),
        ("postgres://stranger:secret-word@{at}/blogs", "password authentication failed"),
        ("postgres://none@nowhere.invalid/none", "could not translate host name"),
    ],
)
def test_a_server_that_can_not_be_reached_is_named_without_its_password(
    preflight: Preflight, use_database: Database, caplog: pytest.LogCaptureFixture, url: str, because: str
) -> None:
    server, at = database_url().rpartition("/")[0], database_url().rpartition("@")[2].partition("/")[0]
    use_database(url.format(server=server, at=at))

    said = preflight()
    # It may pass by itself, so the web starts: callers are told to come back, and load balancers to look elsewhere.
    may_start = [start.may_start("web"), start.may_start("worker")]

    assert (said.code, said.faults) == (1, ["database_unreachable"])
    assert because in said.text
    assert "secret-word" not in said.text + caplog.text
    assert may_start == [True, False]


def test_a_server_that_accepts_and_says_nothing_is_given_five_seconds(
    preflight: Preflight, use_database: Database
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_database(f"postgres://none@127.0.0.1:{silent.getsockname()[1]}/none")
        begun_at = time.monotonic()
        said = preflight()
        took = time.monotonic() - begun_at

    assert (said.code, said.faults) == (1, ["database_unreachable"])
    assert took < 5.5


def test_a_server_that_falls_silent_is_given_five_seconds(preflight: Preflight, use_database: Database) -> None:
    # It lets us in, and never answers what it is asked: as one whose machine hangs.
    with wire(lambda answer: b"" if b"server_encoding" not in answer and b"UTF8" in answer else answer) as port:
        use_database(database_url(port))
        begun_at = time.monotonic()
        said = preflight()
        took = time.monotonic() - begun_at

    assert (said.code, said.faults) == (1, ["database_unreachable"])
    assert "no answer within 5 seconds" in said.text
    assert took < 5.5


def test_a_server_that_is_too_old_is_named(preflight: Preflight, use_database: Database) -> None:
    # The second value of the first answer: its length, and the number.
    with wire(lambda answer: answer.replace(b"\0\0\0\x0218\0\0\0\x01f", b"\0\0\0\x0214\0\0\0\x01f")) as port:
        use_database(database_url(port))
        said = preflight()

    assert (said.code, said.faults) == (1, ["database_version"])
    assert "PostgreSQL is 14; 15 is the oldest" in said.text


@pytest.mark.parametrize(("seconds", "way"), [(3_600, "ahead of"), (-90, "behind"), (50, ""), (-50, "")])
def test_a_clock_that_is_wrong_is_named(preflight: Preflight, seconds: int, way: str) -> None:
    with time_machine.travel(time.time() + seconds):
        said = preflight()

    assert said.faults == ["clock_wrong"] * bool(way)
    assert said.code == bool(way)
    assert f"seconds {way}" in said.text if way else "wrong" in said.text


@pytest.mark.django_db(transaction=True)
def test_more_connections_than_the_server_has_are_added_up(preflight: Preflight, healthy: Any) -> None:
    with closing(psycopg2.connect(database_url())) as session, session.cursor() as cursor:
        cursor.execute("SELECT current_setting('max_connections')::int - 3")
        (room,) = cursor.fetchone() or (0,)
    healthy.DATABASE_POOL_SIZE, healthy.DATABASE_POOL_OVERFLOW = 40, 10
    for _ in range(2):
        factories.WorkerFactory.create()
    webs = (room - 2 * 51) // 50

    fits, too_many = preflight("--web-processes", str(webs)), preflight("--web-processes", str(webs + 1))
    a_third_worker = preflight("--process", "worker", "--web-processes", str(webs))

    assert fits.code == 0
    for said, workers, web in ((too_many, 2, webs + 1), (a_third_worker, 3, webs)):
        assert (said.code, said.faults) == (1, ["connections_too_many"])
        wanted = workers * 51 + web * 50
        assert (
            f"{workers} workers with 50 + 1 connections and {web} web processes with 50 may open {wanted}" in said.text
        )
        assert f"PostgreSQL has {room} for us" in said.text
    assert start.may_start("web", web_processes=webs + 1)


def test_all_migrations_are_known_without_importing_one() -> None:
    loader = MigrationLoader(None)

    assert set(known_migrations()) == set(loader.disk_migrations)


def test_each_kind_of_fault_has_a_weight_for_both() -> None:
    assert all(set(weights) <= set(Weight) and len(weights) == 2 for weights in KINDS.values())


@pytest.mark.django_db(transaction=True)
def test_a_restored_database_is_named_with_the_command_that_settles_it(preflight: Preflight) -> None:
    as_a_copy()

    said = preflight()

    assert (said.code, said.faults) == (1, ["database_copied"])
    assert "manage.py after_restore" in said.text
