"""The whole product in processes of its own, with the sandbox as its world: for the demo, chaos runs and end-to-end tests."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import requests

from config import embedded_postgres
from config.embedded_postgres import Server
from config.processes import Process, Processes, listener
from tests.sandbox import SandboxClient
from tests.support import forks
from tests.support.sample_data import make_shops
from tests.support.shops import Shop

_LOGS = Path(__file__).resolve().parents[2] / ".local"
# For who tries the API from this machine: receivers of webhooks here, and the page of a development server.
FOR_INTEGRATORS = {"OUTGOING_WEBHOOK_LOOPBACK": "true", "CORS_ALLOWED_ORIGINS": "http://localhost:5173"}
APP_ID, APP_SECRET = "00000000-0000-4000-8000-00000000d370", "demo-app-secret"


@dataclass(slots=True)
class World:
    """What is running, and where. `environment` is what a further process of the product needs."""

    url: str
    sandbox: SandboxClient
    processes: Processes
    database: Server
    log: Path
    environment: dict[str, str] = field(repr=False)
    door: socket.socket | None = None
    """Where requests come in, for further web processes: only beside a `tree`."""

    def start_web(
        self, entrance: socket.socket | None = None, *, cwd: Path | None = None, interpreter: str = sys.executable
    ) -> None:
        """Start the API at that socket; at its own port again where it was killed. Return when it answers."""
        with entrance or listener("127.0.0.1", int(urlsplit(self.url).port or 0)) as at:
            web = ("-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi")
            at_it = {"BIND": f"fd://{at.fileno()}", **self.environment}
            self.processes.start_with(at, "web", *web, interpreter=interpreter, cwd=cwd, **at_it)
        self.processes.wait_for(lambda: _answers(f"{self.url}/health"), seconds=30, what="the API")

    def start_events(self, wanted: int) -> str:
        """Start the process of live events at this port, or at the next that is free. Return its address."""
        with door(wanted) as at:
            bind = f"fd://{at.fileno()}"
            self.processes.start_with(
                at, "events", "-m", "config.streams", cwd=None, LIVE_EVENTS_BIND=bind, **self.environment
            )
            url = f"http://localhost:{at.getsockname()[1]}"
        self.processes.wait_for(lambda: _answers(f"{url}/health/live"), seconds=60, what="the process of live events")
        return url

    def start_worker(self) -> None:
        self.processes.start("worker", "manage.py", "run_blog_worker", **self.environment)

    def fork_worker(self, name: str, *arguments: str, prefix: tuple[str, ...] = (), **environment: str) -> Process:
        """Start a worker in a forked process, which has less to import."""

        def start(ours: dict[str, str], log: IO[bytes] | None) -> Process:
            return forks.start_worker(arguments, {**ours, **self.environment, **environment}, log, prefix=prefix)

        return self.processes.adopt(name, start)

    def submit(self, shop: Shop, body: dict[str, Any]) -> requests.Response:
        """Submit a blog as the Wix integration does it: over HTTP, with the signed instance as Bearer."""
        from wix.identity.signed_instance import sign_instance

        headers = {"Authorization": f"Bearer {sign_instance(shop.instance_id)}"}
        return requests.post(f"{self.url}/api/blog-generation", json=body, headers=headers, timeout=30)

    def health(self) -> int:
        """Return the status that /health answers with."""
        return requests.get(f"{self.url}/health", timeout=10).status_code


@contextmanager
def running(
    purpose: str,
    shops: Sequence[Shop],
    *,
    speed: float,
    port: int = 0,
    credits: int = 10_000,
    database_at: str = "",
    sandbox_at: str = "127.0.0.1",
    workload: str | None = None,
    settings: Mapping[str, str] | None = None,
    tree: Path | None = None,
    interpreter: str = sys.executable,
    prepare: Callable[[dict[str, str]], None] | None = None,
) -> Iterator[World]:
    """Start PostgreSQL, the sandbox and gunicorn; the caller starts workers. Time runs `speed` times faster than at the real
    services: latencies are divided by it, limits multiplied. This process's own Django uses the same database.

    `settings`: environment variables of all processes. `workload`: answers count as long as it says, and not as their text is.
    `database_at` is one more address where PostgreSQL listens, and `sandbox_at` the sandbox's: for a worker elsewhere.
    `tree`: another checkout, whose gunicorn runs by that `interpreter`; `prepare` then makes its tables and shops, with these
    environment variables."""
    _LOGS.mkdir(exist_ok=True)
    with embedded_postgres.spare_server(purpose, also_at=database_at) as database, door(port) as entrance:
        wanted, port = port, int(entrance.getsockname()[1])
        log = _LOGS / (f"{purpose}-{port}.log" if wanted else f"{purpose}.log")
        url = f"http://localhost:{port}"
        environment = {**os.environ, **_environment(database.url, speed), **(settings or {})}
        with Processes(environment, log=log, grace=3) as processes:
            sandbox = _start_sandbox(processes, speed, sandbox_at, workload)
            providers = _providers(sandbox)
            os.environ.update({**environment, **providers})
            if prepare:
                prepare({**environment, **providers})
            else:
                _prepare_database(sandbox, shops, credits)
            further = entrance.dup() if tree else None
            world = World(url, sandbox, processes, database, log, providers, further)
            world.start_web(entrance, cwd=tree, interpreter=interpreter)
            yield world


def _environment(database_url: str, speed: float) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "READ_DOTENV": "false",
        "DEBUG": "true",
        "LOG_FORMAT": "console",
        "PYTHONUNBUFFERED": "1",
        "SECRET_KEY": secrets.token_hex(32),
        "DATABASE_URL": database_url,
        "DATABASE_DIRECT_URL": database_url,
        "PROCESS_NAME": "blogs-host",
        "WIX_APP_ID": APP_ID,
        "WIX_APP_SECRET": APP_SECRET,
        "OPENAI_API_KEY": "demo-key",
        "REPLICATE_API_TOKEN": "demo-token",
        "OPENAI_REQUESTS_PER_MINUTE": str(round(450 * speed)),
        "OPENAI_TOKENS_PER_MINUTE": str(round(450_000 * speed)),
        "REPLICATE_REQUESTS_PER_MINUTE": str(round(450 * speed)),
        "REPLICATE_READS_PER_MINUTE": str(round(3_000 * speed)),
        "WIX_REQUESTS_PER_MINUTE": str(round(200 * speed)),
        "REPLICATE_POLL_SECONDS": str(2 / speed),
        "WIX_MEDIA_POLL_SECONDS": str(2 / speed),
    }


def _start_sandbox(processes: Processes, speed: float, host: str, workload: str | None) -> SandboxClient:
    with listener(host, 0) as entrance:
        arguments = ["--socket", str(entrance.fileno()), "--speed", str(speed), "--limit-scale", str(speed)]
        if workload:
            arguments += ["--workload", workload]
        processes.start_with(entrance, "sandbox", "-m", "tests.sandbox", *arguments)
        sandbox = SandboxClient(f"http://{host}:{entrance.getsockname()[1]}")
    processes.wait_for(lambda: _speaks(sandbox.url), seconds=20, what="the sandbox")
    return sandbox


def _providers(sandbox: SandboxClient) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": sandbox.openai_url,
        "REPLICATE_BASE_URL": sandbox.replicate_url,
        "REPLICATE_FILE_HOSTS": str(urlsplit(sandbox.url).hostname),
        "WIX_BASE_URL": sandbox.wix_url,
        "WIX_MEDIA_BASE_URL": sandbox.url,
    }


def _prepare_database(sandbox: SandboxClient, shops: Sequence[Shop], credits: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    make_shops(sandbox, shops, credits)
    connection.close()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def _speaks(url: str) -> bool:
    """Tell whether it answers at all, whatever it says."""
    try:
        requests.get(url, timeout=2)
    except requests.RequestException:
        return False
    return True


def door(wanted: int) -> socket.socket:
    """Listen at the wanted port, or at the next that is free; 0 stands for any. Bound by us, no other program gets it."""
    for port in range(wanted, wanted + 50) if wanted else [0]:
        with suppress(OSError):
            return listener("127.0.0.1", port)
    raise SystemExit(f"No free port from {wanted} to {wanted + 49}.")


def free_port() -> int:
    """Return a port that is free now, for programs that must bind it themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
