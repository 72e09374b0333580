"""gunicorn replaced while it is asked ten times a second: no request fails, and none waits for a second."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from tests.support.processes import ask
from tests.support.steady import Steady
from tests.support.threads import wait_until
from tests.support.web_server import served

pytestmark = pytest.mark.slow_process

_PER_SECOND = 10
_START_SECONDS = 60


class Gunicorn:
    def __init__(self, url: str, pidfile: Path, start_seconds: float) -> None:
        self.url, self._pidfile = url, pidfile
        # On a busy machine everything is slower. A request that waited for a start would take as long as one.
        self.patience_ms = 1_000 * max(1.0, start_seconds / 3)

    @property
    def pid(self) -> int:
        """Its first process: after it was replaced, the new one's."""
        text = self._pidfile.read_text() if self._pidfile.exists() else ""
        return int(text or 0)

    @property
    def processes(self) -> set[int]:
        """Those that it has forked."""
        return {int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()}

    def wait_for_others_than(self, before: set[int]) -> set[int]:
        """Wait until two processes serve, and none of these."""
        wait_until(
            lambda: self.pid and len(self.processes) == 2 and not self.processes & before, seconds=_START_SECONDS
        )
        return self.processes

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)


@contextmanager
def gunicorn(tmp_path: Path, application: str = "config.wsgi", **environment: str) -> Iterator[Gunicorn]:
    pidfile, began = tmp_path / "gunicorn.pid", time.monotonic()
    with served(application, "--pid", str(pidfile), **environment) as port:
        running = Gunicorn(f"http://127.0.0.1:{port}", pidfile, time.monotonic() - began)
        first = running.pid
        yield running
        if (last := running.pid) != first:
            os.kill(last, signal.SIGTERM)
            wait_until(lambda: not _lives(last), seconds=30)


def _lives(pid: int) -> bool:
    """Say whether it runs. One that is over stays a zombie where a test of this process took over its orphans."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def asked(url: str, *, connections_are_kept: bool) -> Iterator[Steady]:
    with ExitStack() as stack:
        session = stack.enter_context(requests.Session()) if connections_are_kept else requests
        yield stack.enter_context(Steady(lambda: session.get(f"{url}/health/live", timeout=30), _PER_SECOND))


@pytest.mark.parametrize("connections_are_kept", [False, True])
def test_sighup_replaces_the_processes(tmp_path: Path, connections_are_kept: bool) -> None:
    with gunicorn(tmp_path) as server:
        before = server.wait_for_others_than(set())
        with asked(server.url, connections_are_kept=connections_are_kept) as steady:
            wait_until(lambda: len(steady.seconds) > _PER_SECOND)
            server.send(signal.SIGHUP)
            server.wait_for_others_than(before)

    assert set(steady.answers) == {"200"}
    assert steady.slowest_ms < server.patience_ms


@pytest.mark.parametrize("connections_are_kept", [False, True])
def test_sigusr2_replaces_all_of_it_and_tells_systemd(tmp_path: Path, connections_are_kept: bool) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(_START_SECONDS)
        with gunicorn(tmp_path, NOTIFY_SOCKET=str(tmp_path / "notify")) as server:
            old, said = server.pid, [systemd.recv(1_000).decode()]
            with asked(server.url, connections_are_kept=connections_are_kept) as steady:
                wait_until(lambda: len(steady.seconds) > _PER_SECOND)
                server.send(signal.SIGUSR2)
                wait_until(lambda: server.pid not in (0, old), seconds=_START_SECONDS)
            said += [systemd.recv(1_000).decode() for _ in range(2)]
            new = server.pid

    assert set(steady.answers) == {"200"}
    assert steady.slowest_ms < server.patience_ms
    assert said[-1] == f"MAINPID={new}"


def test_what_replaced_another_can_be_replaced(tmp_path: Path) -> None:
    with gunicorn(tmp_path) as server:
        first = server.pid
        server.send(signal.SIGUSR2)
        wait_until(lambda: server.pid not in (0, first), seconds=_START_SECONDS)
        second, before = server.pid, server.wait_for_others_than(set())
        server.send(signal.SIGHUP)
        server.wait_for_others_than(before)

        assert server.pid == second
        assert requests.get(f"{server.url}/health/live", timeout=10).ok


def test_a_release_that_cannot_be_started_replaces_none(tmp_path: Path) -> None:
    fragile = tmp_path / "fragile"
    with gunicorn(tmp_path, "tests.support.fragile_app:application", FRAGILE=str(fragile)) as server:
        old = server.pid
        fragile.touch()
        with asked(server.url, connections_are_kept=False) as steady:
            server.send(signal.SIGUSR2)
            wait_until(lambda: fragile.read_text() != "", seconds=_START_SECONDS)
            # The one that tried is over when it is no child of the first any more.
            server.wait_for_others_than(set())

        assert server.pid == old
    assert set(steady.answers) == {"200"}
    assert steady.slowest_ms < server.patience_ms


def test_what_is_forked_has_no_threads_and_no_connection_yet() -> None:
    script = """
import json, threading
import config.wsgi
from config.pooled_postgresql.base import pool
print(json.dumps([[thread.name for thread in threading.enumerate()], pool() is not None]))
"""
    assert ask(script) == [["MainThread"], False]
