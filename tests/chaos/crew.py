"""The workers of a chaos run: started again whenever they are gone, as a supervisor does, and what each holds right now."""

from __future__ import annotations

import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from config.processes import Process
from tests.chaos.network import DATABASE_AT, Cable
from tests.chaos.schedule import Size
from tests.support.world import World

T = TypeVar("T")

# What a thread logs that comes to write and finds its lease gone, or could not even find out for too long.
_LOST = re.compile(rb"(?:lease lost|work lost its database) .*\bworker=(\S+)")


class Crew:
    def __init__(self, world: World, size: Size, cable: Cable | None) -> None:
        self.world, self.size, self.cable = world, size, cable
        self.busy: set[int] = set()  # somebody is at something with this one
        self.restarts = 0
        self._processes: dict[int, Process] = {}
        self._started_at: dict[int, float] = {}
        self._noticed: Counter[str] = Counter()
        self._read_to = 0
        self._at_work = set[str]()
        self._database_back_at = float("-inf")
        self.database_is_away = False

    def start(self, number: int) -> None:
        prefix, environment = self._place(number)
        self._started_at[number] = time.monotonic()
        self._processes[number] = self.world.fork_worker(
            f"worker-{number}", f"--threads={self.size.threads}", prefix=prefix, **environment
        )

    def _place(self, number: int) -> tuple[tuple[str, ...], dict[str, str]]:
        if self.cable is None or number != self.size.cut_worker:
            return (), {}
        over_the_cable = self.world.database.url.replace("127.0.0.1", DATABASE_AT)
        return self.cable.prefix, {"DATABASE_URL": over_the_cable, "DATABASE_DIRECT_URL": over_the_cable}

    def kill(self, number: int) -> None:
        self.world.processes.kill(f"worker-{number}")
        self.start(number)

    def stop(self, number: int) -> None:
        self._processes[number].send_signal(signal.SIGSTOP)

    def go_on(self, number: int) -> None:
        self._processes[number].send_signal(signal.SIGCONT)

    def kill_database(self) -> None:
        self.database_is_away = True
        self.world.database.kill()

    def start_database(self) -> None:
        self.world.database.start()
        self.database_is_away, self._database_back_at = False, time.monotonic()

    def supervise(self) -> None:
        """A worker that finds no database at its start ends by itself; where any other does, this raises ProcessDied."""
        self._at_work |= _registered()
        for number, process in self._processes.items():
            found_none = self._name(number) not in self._at_work and self._started_at[number] < self._database_back_at
            if process.poll() is not None and found_none and not self.database_is_away:
                self.restarts += 1
                self.start(number)
        if not self.database_is_away:
            self.world.processes.check()

    # --- What the database says ---------------------------------------------------------------------------------------

    def leases(self, number: int) -> set[UUID]:
        """The leases that this worker holds; none, too, while the database can't be asked."""
        return asked(
            lambda: set(_held().filter(worker__in=self._row(number)).values_list("lease_token", flat=True)), set()
        )

    def has_lost(self, leases: set[UUID]) -> bool:
        return asked(lambda: not _held().filter(lease_token__in=leases).exists(), False)

    def noticed(self, number: int) -> int:
        """How many threads of this worker have found so far that their lease was lost; from the log."""
        self._read_log()
        return self._noticed[self._name(number)]

    def all_noticed(self) -> int:
        self._read_log()
        return self._noticed.total()

    def _read_log(self) -> None:
        with self.world.log.open("rb") as log:
            log.seek(self._read_to)
            lines = log.read()
        lines = lines[: lines.rfind(b"\n") + 1]
        self._read_to += len(lines)
        self._noticed.update(worker.decode() for worker in _LOST.findall(lines))

    def _name(self, number: int) -> str:
        """As the product calls it in its rows and in its log."""
        return f"{socket.gethostname()}:{self._processes[number].pid}"

    def _row(self, number: int) -> Any:
        from workers.models import WorkerProcess

        return WorkerProcess.objects.filter(name=self._name(number))


def done() -> int:
    from blogs.models import BlogGeneration, Status

    return asked(lambda: BlogGeneration.objects.filter(status=Status.DONE).count(), 0)


def nothing_waits() -> bool:
    from blogs.models import BlogGeneration

    return asked(lambda: not BlogGeneration.objects.filter(ready=True).exists(), False)


def asked(question: Callable[[], T], otherwise: T) -> T:
    """The database's answer, or the other while it is away."""
    from django.db import connection

    from workers.database.outage import DATABASE_AWAY

    try:
        return question()
    except DATABASE_AWAY:
        connection.close()
        return otherwise


def _registered() -> set[str]:
    from workers.models import WorkerProcess

    return asked(lambda: set(WorkerProcess.objects.values_list("name", flat=True)), set())


def _held() -> Any:
    from blogs.models import BlogGeneration, Status

    return BlogGeneration.objects.filter(status=Status.PROCESSING)
