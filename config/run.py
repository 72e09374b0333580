"""`make run`: migrate, gunicorn and one worker against the real services, with a PostgreSQL of our own where none is named."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import environ

from config import embedded_postgres
from config.embedded_postgres import AlreadyRunning
from config.processes import ProcessDied, Processes

_ROOT = Path(__file__).resolve().parent.parent
_NEEDED = {
    "SECRET_KEY": "a long random string",
    "OPENAI_API_KEY": "from platform.openai.com",
    "REPLICATE_API_TOKEN": "from replicate.com/account",
    "WIX_APP_ID": "from the app's dashboard at Wix, OAuth page",
    "WIX_APP_SECRET": "from the app's dashboard at Wix, OAuth page",
}


def main() -> int:
    environ.Env.read_env(_ROOT / ".env")
    if missing := [name for name in _NEEDED if not os.environ.get(name)]:
        print("Nothing was started. These settings are missing (put them into .env; .env.example explains each):")
        for name in missing:
            print(f"  {name}: {_NEEDED[name]}")
        return 2
    try:
        with _database() as url:
            return _serve({**os.environ, "DATABASE_URL": url})
    except AlreadyRunning:
        print("`make run` is running already in this folder; stop it first, or name another server in DATABASE_URL.")
        return 2
    except KeyboardInterrupt:
        return 130


@contextmanager
def _database() -> Iterator[str]:
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    with embedded_postgres.server("run", keep_data=True) as server:
        yield server.url


def _serve(environment: dict[str, str]) -> int:
    if subprocess.run([sys.executable, "manage.py", "migrate"], cwd=_ROOT, env=environment).returncode:
        return 1
    drain = float(environment.get("BLOG_WORKER_DRAIN_SECONDS", "120")) + 10
    with Processes(environment, grace=drain) as processes:
        processes.start("worker", "manage.py", "run_blog_worker")
        processes.start("web", "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi")
        print(
            f"Serving on http://{environment.get('BIND', '127.0.0.1:3000')}/ until Ctrl-C. Staff login: manage.py createsuperuser"
        )
        try:
            while True:
                processes.check()
                time.sleep(1)
        except KeyboardInterrupt:
            print("Stopping: what runs is finished first; Ctrl-C again leaves at once.")
            return 0
        except ProcessDied as died:
            print(died)
            return 1


if __name__ == "__main__":
    sys.exit(main())
