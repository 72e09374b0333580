"""The PostgreSQL of `make run`, which keeps real shops' data on a machine that other users may share."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from config import embedded_postgres
from config.embedded_postgres import Server, server, write_private
from config.processes import listener

pytestmark = pytest.mark.slow_process

_AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the module's server is. Not in pytest's own folder, into which no other user may look: the server's neither."""
    with _elsewhere() as local:
        yield local / f"postgres-{os.getuid()}-run"


@pytest.fixture
def local() -> Iterator[Path]:
    with _elsewhere() as local:
        yield local


@contextmanager
def _elsewhere() -> Iterator[Path]:
    before = embedded_postgres._DATA
    before.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="test-", dir=before) as local:
        embedded_postgres._DATA = Path(local)
        try:
            yield Path(local)
        finally:
            embedded_postgres._DATA = before


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Server]:
    with server("run", keep_data=True) as running:
        yield running


def asked(url: str, sql: str) -> Any:
    with closing(psycopg2.connect(url, connect_timeout=5)) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        connection.commit()
        return cursor.fetchone() if cursor.description else None


@pytest.mark.parametrize("database", ["blogs", "postgres", "template1"])
@pytest.mark.parametrize("password", [":wrong", ":", ""])
def test_none_comes_in_without_the_password(running: Server, password: str, database: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password"):
        asked(f"postgres://postgres{password}@127.0.0.1:{running.port}/{database}", "SELECT 1")


def test_the_password_opens_it_and_is_not_shown(running: Server) -> None:
    assert asked(running.url, "SELECT 1") == (1,)
    assert running.password not in repr(running)
    assert running.password not in " ".join(psutil.Process(running.pid).cmdline())


def test_what_it_writes_only_its_owner_can_read(running: Server, folder: Path) -> None:
    for private in ("password", "log"):
        assert stat.S_IMODE((folder / private).stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o700
    assert (folder / "password").stat().st_uid == os.geteuid()


@_AS_ROOT
def test_started_by_root_it_keeps_nothing_of_roots(running: Server) -> None:
    postmaster = psutil.Process(running.pid)
    for process in (postmaster, *postmaster.children(recursive=True)):
        status = Path(f"/proc/{process.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())

        assert "0" not in [*fields["Uid"].split(), *fields["Gid"].split(), *fields["Groups"].split()]
        assert fields["Umask"].strip() == "0077"


def test_data_of_an_older_release_are_kept_and_asked_a_password_for(local: Path) -> None:
    """It let in everybody on loopback, and its log could be written by all."""
    with server("run", keep_data=True) as before:
        asked(before.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        asked(before.url, "ALTER ROLE postgres PASSWORD NULL")
    folder = local / f"postgres-{os.getuid()}-run"
    (folder / "data" / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 trust\n")
    (folder / "password").unlink()
    (folder / "log").chmod(0o666)

    with server("run", keep_data=True) as now:
        assert asked(now.url, "SELECT answer FROM kept") == (42,)
        with pytest.raises(psycopg2.OperationalError, match="password"):
            asked(f"postgres://postgres@127.0.0.1:{now.port}/blogs", "SELECT 1")
        assert stat.S_IMODE((folder / "log").stat().st_mode) == 0o600
        password = now.password

    with server("run", keep_data=True) as again:
        assert again.password == password


def test_a_port_that_another_has_taken_meanwhile_is_given_up(local: Path, monkeypatch: Any) -> None:
    free_port = embedded_postgres._free_port
    with listener("127.0.0.1", 0) as other:
        taken = other.getsockname()[1]
        ports = iter([taken, taken, free_port()])
        monkeypatch.setattr(embedded_postgres, "_free_port", lambda: next(ports))

        with server("run", keep_data=False) as running:
            assert running.port != taken
            assert asked(running.url, "SELECT 1") == (1,)


def test_a_private_file_is_private_also_where_a_public_one_stood(tmp_path: Path) -> None:
    file = tmp_path / "run.env"
    file.touch(mode=0o644)
    file.chmod(0o644)

    write_private(file, "secret")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == "secret"
