"""The real PgBouncer in transaction mode, with deploy/pgbouncer.ini, in front of the test's own database."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psycopg2
from django.db import connection

from tests.support.database import database_url
from tests.support.threads import wait_until
from tests.support.world import free_port

_DEPLOYED = Path(__file__).resolve().parents[2] / "deploy" / "pgbouncer.ini"


PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


SERVER_CONNECTIONS = 5


class PgBouncer:
    def __init__(self, folder: Path, *, connect_query: bool = True, **more: str) -> None:
        self.folder = folder
        self.port = free_port()
        self._database = connection.settings_dict
        self._connect_query = connect_query
        self._more = more

    @property
    def url(self) -> str:
        return database_url(self.port)

    @property
    def direct_url(self) -> str:
        return database_url()

    def environment(self) -> dict[str, str]:
        """Return settings for a process of ours whose database is behind this PgBouncer."""
        return {"DATABASE_URL": self.url, "DATABASE_DIRECT_URL": self.direct_url}

    def start(self) -> None:
        assert PROGRAM
        # PgBouncer refuses to run as root.
        user = "nobody" if os.geteuid() == 0 else None
        if user:
            shutil.chown(self.folder, user)
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [PROGRAM, str(self._adapted())], user=user, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(self._answers)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)  # at once, with no regard for clients
        self._process.wait(10)

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self.folder / "log").read_text()
        with suppress(psycopg2.OperationalError):
            psycopg2.connect(self.url).close()
            return True
        return False

    def _adapted(self) -> Path:
        """Write the deployed file with this machine's addresses, and with fewer connections than there are threads."""
        ini = configparser.ConfigParser(interpolation=None)
        ini.read(_DEPLOYED)
        there, name = ini["databases"].pop("blogs"), self._database["NAME"]
        for key, value in {"host": self._database["HOST"], "port": self._database["PORT"], "dbname": name}.items():
            there, count = re.subn(rf"\b{key}=\S+", f"{key}={value}", there)
            assert count == 1, f"{_DEPLOYED} doesn't say {key}"
        ini["databases"][name] = there if self._connect_query else there.split(" connect_query=")[0]
        users = self.folder / "users"
        users.write_text(f'"{self._database["USER"]}" "{_secret_of(self._database["USER"])}"\n')
        users.chmod(0o644)
        ini["pgbouncer"].update(
            listen_addr="127.0.0.1",
            listen_port=str(self.port),
            unix_socket_dir="",
            auth_file=str(users),
            default_pool_size=str(SERVER_CONNECTIONS),
            **self._more,
        )
        path = self.folder / "pgbouncer.ini"
        with path.open("w") as file:
            ini.write(file)
        return path


def _secret_of(user: str) -> str:
    """Return what PostgreSQL itself keeps of the password, as docs/deployment.md takes it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [user])
        secret: str = cursor.fetchone()[0]
    assert secret.startswith("SCRAM-SHA-256$")
    return secret
