"""`make run`: migrates, then runs gunicorn and one worker against the real services, on our own PostgreSQL if none is named."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import requests
from django.core.exceptions import ImproperlyConfigured

from config import embedded_postgres, environment
from config.embedded_postgres import AlreadyRunning, write_private
from config.processes import ProcessDied, Processes, listener, stop_on_signals
from config.required import REQUIRED

_ROOT = Path(__file__).resolve().parent.parent
_VARIABLES = _ROOT / ".local" / "run.env"
_NEEDED = {"SECRET_KEY": "a long random string", **REQUIRED}


def main() -> int:
    if os.environ.get("READ_DOTENV", "").lower() == "false":
        print(
            "This shell has read a demo's variables (READ_DOTENV=false); run `make run` in a fresh one, so that .env counts."
        )
        return 2
    environment.read_dotenv(_ROOT / ".env")
    try:
        missing, url = [name for name in _NEEDED if not environment.get(name)], environment.get("DATABASE_URL")
    except ImproperlyConfigured as error:
        print(f"Nothing was started. {error}")
        return 2
    if missing:
        print("Nothing was started. These settings are missing (put them into .env; .env.example explains each):")
        for name in missing:
            print(f"  {name}: {_NEEDED[name]}")
        return 2
    os.environ.setdefault("BIND", "127.0.0.1:3000")
    if sys.stdout.isatty():
        os.environ.setdefault("LOG_FORMAT", "console")
    stop_on_signals()
    try:
        with _listener() as door, _database(url) as chosen:
            _serve({**os.environ, "DATABASE_URL": chosen}, door)
    except (AlreadyRunning, _CannotStart, ProcessDied) as error:
        print(error)
        return 1
    except KeyboardInterrupt:
        pass
    print("Stopped; nothing is left running.")
    return 0


class _CannotStart(Exception):
    """Nothing can be started; str() says why, and what to do."""


def _listener() -> socket.socket:
    """Bind BIND before anything is started, so that nothing else can take it meanwhile."""
    host, _, port = os.environ["BIND"].rpartition(":")
    try:
        return listener(host.strip("[]"), int(port))
    except (OSError, ValueError) as error:
        raise _CannotStart(f"{os.environ['BIND']} can't be used ({error}); set another BIND in .env.") from None


@contextmanager
def _database(url: str) -> Iterator[str]:
    if url:
        try:
            psycopg2.connect(url, connect_timeout=5).close()
        except psycopg2.OperationalError as error:
            raise _CannotStart(f"The server in DATABASE_URL can't be reached: {error}") from None
        yield url
        return
    with embedded_postgres.server("run", keep_data=True) as server:
        # Another shell needs this to reach it, because its port changes with each start.
        write_private(_VARIABLES, f"export DATABASE_URL='{server.url}'\n")
        try:
            yield server.url
        finally:
            _VARIABLES.unlink(missing_ok=True)


def _serve(environment: dict[str, str], door: socket.socket) -> None:
    if subprocess.run([sys.executable, "manage.py", "migrate"], cwd=_ROOT, env=environment, check=False).returncode:
        raise _CannotStart("The database could not be migrated; nothing was started.")
    drain = float(environment.get("BLOG_WORKER_DRAIN_SECONDS", "120")) + 10
    address = f"http://{environment['BIND']}"
    with Processes(environment, grace=drain) as processes:
        processes.start("worker", "manage.py", "run_blog_worker")
        web = ("-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi")
        processes.start_with(door, "web", *web, BIND=f"fd://{door.fileno()}")
        door.close()
        processes.wait_for(lambda: _answers(f"{address}/health/live"), seconds=30, what="the API")
        processes.start("events", "-m", "config.streams")
        events = environment.get("LIVE_EVENTS_BIND") or "127.0.0.1:3001"
        processes.wait_for(
            lambda: _answers(f"http://{events}/health/live"), seconds=60, what="the process of live events"
        )
        shell = ". ./.local/run.env; " if _VARIABLES.exists() else ""
        print(f"Serving on {address}/ until Ctrl-C.")
        print(f"Live events (docs/api.md): http://{events}/api/events")
        print(f"Staff login: {shell}.venv/bin/python manage.py createsuperuser")
        try:
            while True:
                processes.check()
                time.sleep(1)
        except KeyboardInterrupt:
            print("Stopping: what runs is finished first; Ctrl-C again leaves at once.", flush=True)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


if __name__ == "__main__":
    sys.exit(main())
