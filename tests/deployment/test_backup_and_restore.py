"""deploy/backup.sh and deploy/restore.sh, on a real server: what is written can be restored, and nothing is lost on the way."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg2
import pytest
from django.conf import settings
from django.db import connection

from config.embedded_postgres import PROGRAMS
from tests.support import factories, processes
from tests.support.database import database_url
from workers.database import installation

pytestmark = [pytest.mark.slow_process, pytest.mark.django_db(transaction=True)]

_DEPLOY = Path(settings.BASE_DIR) / "deploy"
# Has a password whose characters mean something in addresses and in shells.
_PASSWORD = "p@:s/%\\ $w"


@pytest.fixture
def url() -> Iterator[str]:
    """Where to restore to, as a role with the rights of docs/deployment.md and an awkward password; no database is there yet."""
    # Roles are the server's: a name for each process that tests beside this one.
    name, role = f"{connection.settings_dict['NAME']}_restored", f"{connection.settings_dict['NAME']}_backup"
    server = urlsplit(database_url())
    with connection.cursor() as cursor:
        cursor.execute(f"DROP ROLE IF EXISTS {role}")
        cursor.execute(f"CREATE ROLE {role} LOGIN CREATEDB PASSWORD %s", [_PASSWORD])
    yield f"postgres://{role}:{quote(_PASSWORD, safe='')}@{server.hostname}:{server.port}/{name}?sslmode=prefer"
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [name])
        for (each,) in cursor.fetchall():
            cursor.execute(f"DROP DATABASE {connection.ops.quote_name(each)} WITH (FORCE)")
        cursor.execute(f"DROP ROLE {role}")


def _run(script: str, *arguments: str | Path, url: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "READ_DOTENV": "false", "DATABASE_URL": url}
    command = [str(_DEPLOY / script), *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={**known, **environment}, cwd="/", check=False
    )


def _backup(folder: Path, *options: str) -> Path:
    connection.close()
    done = _run("backup.sh", *options, folder, url=database_url())
    assert done.returncode == 0, done.stderr
    return sorted(folder.glob("*.dump"))[-1]


def _databases(url: str, suffix: str) -> object:
    """Count this test's own databases; another process' tests make theirs on the same server."""
    name = connection.settings_dict["NAME"]
    return _rows(url, f"SELECT count(*) FROM pg_database WHERE datname ~ '^{name}{suffix}'")


def _rows(url: str, statement: str) -> object:
    other = psycopg2.connect(url.split("?")[0])
    try:
        with other.cursor() as cursor:
            cursor.execute(statement)
            (found,) = cursor.fetchone() or (None,)
            return found
    finally:
        other.close()


def test_a_backup_is_restored_and_workers_refuse_it_until_it_is_settled(tmp_path: Path, url: str) -> None:
    blog = factories.pending_generation()
    installation.renew(installation.look())
    file = _backup(tmp_path)

    done = _run("restore.sh", file, url=url)
    keys = {"OPENAI_API_KEY": "k", "REPLICATE_API_TOKEN": "k"}
    here = {**keys, "DATABASE_URL": url}
    refused = processes.run("manage.py", "run_blog_worker", **here)
    settled = processes.run("manage.py", "after_restore", "--original-is-stopped", **here)

    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o077 == 0
    assert _rows(url, "SELECT id FROM blog_generations") == blog.pk
    assert (refused.returncode, "manage.py after_restore" in refused.stderr) == (1, True)
    assert settled.returncode == 0, settled.stderr
    assert _rows(url, "SELECT count(*) FROM blog_generations WHERE draft_search_since IS NOT NULL") == 1
    assert int(str(_rows(url, "SELECT nextval('blog_generations_id_seq')"))) >= blog.pk + 100_000
    # The original is as it was.
    assert installation.look().verdict is installation.Verdict.SAME


def test_a_copy_by_template_is_refused_too(url: str) -> None:
    installation.renew(installation.look())
    original = connection.settings_dict["NAME"]
    connection.close()
    _end_pool()
    _admin(f'CREATE DATABASE "{_name(url)}" TEMPLATE "{original}"')

    copy = f"{database_url().rpartition('/')[0]}/{_name(url)}"
    asked = processes.ask(
        "import json; from blogs.restore import copies; print(json.dumps(copies.problem()))", DATABASE_URL=copy
    )

    assert "after_restore" in asked


def test_a_database_that_holds_tables_is_put_aside_when_that_is_asked_for_and_never_dropped(
    tmp_path: Path, url: str
) -> None:
    factories.pending_generation()
    file = _backup(tmp_path)
    assert _run("restore.sh", file, url=url).returncode == 0

    refused = _run("restore.sh", file, url=url)
    in_use = psycopg2.connect(url.split("?")[0])
    used = _run("restore.sh", "--replace", file, url=url)
    in_use.close()
    replaced = _run("restore.sh", "--replace", file, url=url)

    assert (refused.returncode, "--replace" in refused.stderr) == (1, True)
    assert (used.returncode, "1 sessions use" in used.stderr) == (1, True)
    assert replaced.returncode == 0, replaced.stderr
    assert _databases(url, "_restored(_before_.*)?$") == 2


def test_a_backup_can_be_tried_out_beside_the_real_database(tmp_path: Path) -> None:
    factories.pending_generation()

    connection.close()
    done = _run("backup.sh", "--test-restore", tmp_path, url=database_url())

    assert done.returncode == 0, done.stderr
    assert "Restored once for a test: 1 blogs." in done.stdout
    assert _databases(database_url(), ".*_test_restore_") == 0


def test_the_role_of_the_deployment_can_try_its_own_backup_out(tmp_path: Path, url: str) -> None:
    factories.pending_generation()
    assert _run("restore.sh", _backup(tmp_path), url=url).returncode == 0

    done = _run("backup.sh", "--test-restore", tmp_path / "again", url=url)

    assert done.returncode == 0, done.stderr
    assert "Restored once for a test: 1 blogs." in done.stdout


def test_a_restored_database_is_utf8_and_sorts_as_the_one_it_replaces(tmp_path: Path, url: str) -> None:
    file = _backup(tmp_path)
    looks = (
        "SELECT datcollate || ' ' || pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
    )

    made = (_run("restore.sh", file, url=url).returncode, _rows(url, looks))
    _admin(f'DROP DATABASE "{_name(url)}"')
    owner = urlsplit(url).username
    _admin(f"CREATE DATABASE \"{_name(url)}\" OWNER {owner} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
    assert _run("restore.sh", file, url=url).returncode == 0
    replaced = (_run("restore.sh", "--replace", file, url=url).returncode, _rows(url, looks))

    assert (made, replaced) == ((0, "C.UTF-8 UTF8"), (0, "C UTF8"))


def test_without_the_right_to_make_a_database_nothing_changes(tmp_path: Path, url: str) -> None:
    file = _backup(tmp_path)
    assert _run("restore.sh", file, url=url).returncode == 0
    _admin(f"ALTER ROLE {urlsplit(url).username} NOCREATEDB")

    replaced = _run("restore.sh", "--replace", file, url=url)
    tried = _run("backup.sh", "--test-restore", tmp_path, url=url)

    for done in (replaced, tried):
        assert (done.returncode, f"ALTER ROLE {urlsplit(url).username} CREATEDB" in done.stderr) == (1, True)
    assert _databases(url, "_restored") == 1


def test_only_the_newest_stay(tmp_path: Path) -> None:
    name = connection.settings_dict["NAME"]
    old = [tmp_path / f"{name}-2026010{day}T000000Z.dump" for day in range(1, 5)]
    other = tmp_path / "notes.txt"
    for file in (*old, other):
        file.touch()

    newest = _backup(tmp_path, "--keep", "3")

    assert set(tmp_path.iterdir()) == {other, old[2], old[3], newest}


def test_a_backup_that_fails_leaves_no_file_and_removes_none(tmp_path: Path) -> None:
    old = [tmp_path / f"nowhere-2026010{day}T000000Z.dump" for day in range(1, 4)]
    for file in old:
        file.touch()
    nowhere = database_url().rpartition("/")[0] + "/nowhere"

    done = _run("backup.sh", "--keep", "1", tmp_path, url=nowhere)

    assert done.returncode != 0
    assert sorted(tmp_path.iterdir()) == old


def test_what_is_no_backup_is_refused_before_anything_changes(tmp_path: Path, url: str) -> None:
    broken = tmp_path / "broken.dump"
    broken.write_text("PGDMP and no more")

    done = _run("restore.sh", broken, url=url)

    assert (done.returncode, "nothing was changed" in done.stderr) == (1, True)


def test_the_address_is_read_as_the_service_reads_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(database_url() + "\n")
    connection.close()

    done = _run("backup.sh", tmp_path, url="", DATABASE_URL_FILE=str(secret))

    assert done.returncode == 0, done.stderr


def test_the_file_of_the_address_may_be_named_in_dotenv(tmp_path: Path) -> None:
    shutil.copytree(_DEPLOY, tmp_path / "deploy")
    (tmp_path / "secret").write_text(database_url())
    (tmp_path / ".env").write_text(f'DATABASE_URL_FILE="{tmp_path}/secret"\n')
    connection.close()

    done = _run(str(tmp_path / "deploy" / "backup.sh"), tmp_path / "backups", url="", READ_DOTENV="true")

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("script", ["backup.sh", "restore.sh"])
def test_wrong_use_says_how_it_is_used(script: str) -> None:
    assert "deploy/" in _run(script, url="").stderr
    assert "is no option" in _run(script, "--what", url="").stderr
    assert _run(script, "--help", url="").returncode == 0


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shellcheck_finds_nothing() -> None:
    scripts = [str(path) for path in sorted(_DEPLOY.glob("*.sh"))]
    done = subprocess.run(
        ["shellcheck", "-x", *scripts], cwd=_DEPLOY.parent, capture_output=True, text=True, check=False
    )

    assert done.stdout == ""


def _name(url: str) -> str:
    return urlsplit(url).path.strip("/")


def _admin(statement: str) -> None:
    other = psycopg2.connect(database_url().rpartition("/")[0] + "/postgres")
    other.autocommit = True
    try:
        other.cursor().execute(statement)
    finally:
        other.close()


def _end_pool() -> None:
    """Close the pool's idle sessions: no database can be copied that is used."""
    from config.pooled_postgresql.base import dispose

    dispose()
