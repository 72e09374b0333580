"""The events: each is a generator that yields as long as it waits for something, so that many go on at once.

Each waits until its worker has blogs in hand: to kill one that does nothing proves nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from tests.chaos.crew import Crew, asked, done, nothing_waits
from tests.chaos.network import WORKER_AT
from tests.chaos.schedule import Event
from tests.support.shops import SHOPS

Going = Iterator[None]

_PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Told:
    """What came of the events, for the result."""

    happened: Counter[str] = field(default_factory=Counter)
    lost_leases: int = 0
    recovery_seconds: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)


def carry_out(event: Event, crew: Crew, told: Told) -> Going:
    if event.kind == "database_kill":
        yield from _database_kill(event, crew, told)
    else:
        yield from _until(lambda: event.worker not in crew.busy, f"worker-{event.worker} to be left alone", 300)
        crew.busy.add(event.worker)
        yield from _until(lambda: bool(crew.leases(event.worker)), f"worker-{event.worker} to have work")
        yield from {"kill": _kill, "zombie": _zombie, "network_cut": _network_cut}[event.kind](event, crew, told)
        crew.busy.remove(event.worker)
    told.happened[event.kind] += 1
    print(f"{event}: number {told.happened[event.kind]} of its kind; {done()} blogs done", flush=True)


def _kill(event: Event, crew: Crew, told: Told) -> Going:
    crew.kill(event.worker)
    yield from ()


def _database_kill(event: Event, crew: Crew, told: Told) -> Going:
    """Meanwhile callers ask, and are told."""
    yield from _until(lambda: not crew.database_is_away, "the last crash to be over")
    crew.kill_database()
    for _ in _for(event.seconds):
        answer = crew.world.submit(SHOPS[0], {"sourceType": "keyword", "sourceId": "in vain"})
        come_back = "Retry-After" if "Retry-After" in answer.headers else "no Retry-After"
        told.answers[f"{answer.status_code} {answer.json()['code']}, {come_back}"] += 1
        told.answers[f"{crew.world.health()} /health"] += 1
        yield
    crew.start_database()


def _zombie(event: Event, crew: Crew, told: Told) -> Going:
    """Stopped until others have all of its blogs; then it wakes up and believes that they are still its own."""
    before = _Before.of(event.worker, crew)
    crew.stop(event.worker)
    yield from _deprived(event, crew, told, before)
    crew.go_on(event.worker)
    yield from _recovered(event, crew, told, before)


def _network_cut(event: Event, crew: Crew, told: Told) -> Going:
    assert crew.cable
    port = crew.world.database.port
    yield from _until(lambda: WORKER_AT in _clients(), "the worker's connections to come over the cable")
    yield from _connects(crew, port, expected=True)
    yield from _until(lambda: bool(crew.leases(event.worker)), f"worker-{event.worker} to have work")
    before = _Before.of(event.worker, crew)
    crew.cable.cut()
    yield from _connects(crew, port, expected=False)
    yield from _deprived(event, crew, told, before)
    crew.cable.mend()
    yield from _recovered(event, crew, told, before)


@dataclass(frozen=True, slots=True)
class _Before:
    """What a worker held, and how many threads had noticed a loss, when it was taken out of the world."""

    leases: set[UUID]
    noticed: int

    @classmethod
    def of(cls, worker: int, crew: Crew) -> _Before:
        return cls(crew.leases(worker), crew.noticed(worker))


def _deprived(event: Event, crew: Crew, told: Told, before: _Before) -> Going:
    yield from _for(event.seconds)
    yield from _until(lambda: crew.has_lost(before.leases), f"others to take over from worker-{event.worker}")
    told.lost_leases += len(before.leases)


def _recovered(event: Event, crew: Crew, told: Told, before: _Before) -> Going:
    """It finds, at the latest now, that it lost what it had, and takes new work by itself, as long as there is any."""
    began = time.monotonic()
    worker = f"worker-{event.worker}"
    yield from _until(lambda: crew.noticed(event.worker) > before.noticed, f"{worker} to notice what it has lost")
    yield from _until(
        lambda: bool(crew.leases(event.worker) - before.leases) or nothing_waits(), f"{worker} to take new work"
    )
    told.recovery_seconds.append(time.monotonic() - began)


def _connects(crew: Crew, port: int, *, expected: bool) -> Going:
    """The cut is one: the worker's side can't reach the database now, and could before."""
    assert crew.cable
    yield from _until(lambda: not crew.database_is_away, "the database to be back")
    trial = crew.cable.try_to_connect(port)
    yield from _until(lambda: trial.poll() is not None, "an attempt to connect to end")
    if (trial.returncode == 0) != expected and not crew.database_is_away:
        raise SystemExit(f"The cable {'is not' if expected else 'was cut, and yet it is still'} a way to the database.")


def _clients() -> set[str]:
    from django.db import connection

    def addresses() -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT host(client_addr) FROM pg_stat_activity WHERE client_addr IS NOT NULL")
            return {address for (address,) in cursor.fetchall()}

    return asked(addresses, set())


def _for(seconds: float) -> Going:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        yield


def _until(condition: Callable[[], bool], what: str, seconds: float = _PATIENCE_SECONDS) -> Going:
    gives_up_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > gives_up_at:
            raise SystemExit(f"Waited {seconds:.0f} s in vain for {what}.")
        yield
