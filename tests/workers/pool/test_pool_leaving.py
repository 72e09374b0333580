"""The first signal drains, the second leaves at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.threads import PATIENCE_SECONDS, wait_until
from tests.support.workers.shelf import Piece, Shelf, run, stop
from workers.models import WorkerProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("signals_of_its_own")]


def test_a_drain_finishes_what_runs_and_claims_nothing_more(settings: Any) -> None:
    settings.BLOG_WORKER_LEASE_RENEW_SECONDS = 0.01
    shelf = Shelf(5)
    finished: list[int] = []
    both_run = threading.Barrier(2)

    def work(piece: Piece) -> None:
        both_run.wait(PATIENCE_SECONDS)
        if piece.pk == 1:
            stop()
        wait_until(WorkerProcess.objects.filter(stopping=True).exists)
        finished.append(piece.pk)

    run(shelf, work, threads=2)

    assert sorted(finished) == [1, 2]
    assert [piece.pk for piece in shelf.waiting] == [3, 4, 5]
    assert shelf.returned == []


def test_a_terminal_that_closes_drains_too_however_often_it_says_so() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # these tests may run under nohup
    shelf = Shelf(5)
    finished: list[int] = []

    def work(piece: Piece) -> None:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGHUP)
        wait_until(lambda: "stopping" not in {thread.name for thread in threading.enumerate()})
        finished.append(piece.pk)

    run(shelf, work, threads=1)

    assert finished == [1]
    assert [piece.pk for piece in shelf.waiting] == [2, 3, 4, 5]


def test_one_that_was_told_to_outlive_its_terminal_does() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    finished: list[int] = []

    def work(piece: Piece) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        finished.append(piece.pk)
        if len(finished) == 3:
            stop()

    run(Shelf(3), work, threads=1)

    assert sorted(finished) == [1, 2, 3]


def test_after_the_drain_deadline_the_rest_is_handed_back(settings: Any) -> None:
    settings.BLOG_WORKER_DRAIN_SECONDS = 0.05
    shelf = Shelf(2)
    hangs = threading.Event()

    def work(piece: Piece) -> None:
        if piece.pk == 1:
            stop()
            hangs.wait(PATIENCE_SECONDS)

    run(shelf, work, threads=2)

    assert shelf.returned == [1]
    hangs.set()


_PROCESS = """
import sys, threading
import django
django.setup()
from workers.pool.pool import Pool

class Piece:
    pk, overdue = 1, False

class Shelf:
    def __init__(self): self.waiting = [Piece()]
    def claim(self, worker, limit, running): taken, self.waiting = self.waiting, []; return taken
    def renew(self, works): return 0
    def hand_back(self, works): return 0
    def promote(self): return 0
    def look(self): return None, False
    def rescue(self): return 0
    def stats(self): return {}

def execute(piece):
    print("running", flush=True)
    threading.Event().wait(int(sys.argv[1]))
    print("finished", flush=True)

Pool(Shelf(), execute, threads=1, batch_size=1, poll_seconds=60).run()
print("left", flush=True)
"""


@pytest.fixture
def process(database_url: str, settings: Any) -> Iterator[Callable[[int], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(seconds: int) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "DATABASE_DIRECT_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_FORMAT": "json",
        }
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", _PROCESS, str(seconds)],
                env=environment,
                cwd=Path(__file__).parents[3],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    def kill() -> None:
        for one in started:
            one.kill()

    # Reading what a process says would wait for ever for one that never says it.
    patience = threading.Timer(PATIENCE_SECONDS, kill)
    patience.start()
    yield start
    patience.cancel()
    kill()
    for one in started:
        one.communicate()


def read_until(stream: Any, words: str) -> None:
    for line in stream:
        if words in line:
            return
    raise AssertionError(f"it never said {words!r}")


@pytest.mark.slow_process
def test_the_first_signal_drains(process: Any) -> None:
    worker = process(1)
    read_until(worker.stdout, "running")

    worker.send_signal(signal.SIGINT)

    read_until(worker.stdout, "finished")
    read_until(worker.stdout, "left")
    assert worker.wait(PATIENCE_SECONDS) == 0


@pytest.mark.slow_process
def test_the_second_signal_leaves_at_once(process: Any) -> None:
    worker = process(600)
    read_until(worker.stdout, "running")
    worker.send_signal(signal.SIGTERM)
    read_until(worker.stderr, "draining")

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(PATIENCE_SECONDS) == 128 + signal.SIGTERM
    assert WorkerProcess.objects.count() == 1
