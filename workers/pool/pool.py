"""The pool: keeps the seats of a worker filled from any source of work, and knows nothing of blogs.

A seat is a thread's place for one piece of work. The main thread claims work. A seat is free again the moment its work ends, and is
filled from the next claim, without waiting for the rest of a batch. Three more threads run beside the seats: one renews leases and
shows that this process lives, one promotes and rescues, one listens for wake-ups; and each chore has a thread of its own.

The first SIGTERM or SIGINT drains: the worker claims no more, running work may finish until the deadline, and what is left goes
back to the queue. The second leaves at once; leases then run out, and any worker rescues the work. SIGHUP drains too.
"""

from __future__ import annotations

import functools
import logging
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from django.conf import settings

from workers.database import wakeup
from workers.database.connections import released_afterwards
from workers.database.outage import DATABASE_AWAY
from workers.limits import waiting_for_shared
from workers.pool import heartbeat
from workers.pool.pace import Pace
from workers.pool.verdict import Verdict

logger = logging.getLogger(__name__)

_REST_SECONDS = 0.05
_PAUSE_WHILE_LOCKED_SECONDS = 0.2
# Chores with the same pause begin this far apart, so that they need no more connections than one of them does.
_APART_SECONDS = 0.15
# Of a chore that says when it is to be done again, and failed before it could.
_PAUSES_AFTER_AN_ERROR = 5


class Work(Protocol):
    """A claimed piece of work. The pool renews its lease until it is `overdue`, because a hung call must not look alive."""

    pk: int

    @property
    def overdue(self) -> bool: ...


class Source(Protocol):
    """Defines what the pool needs of a queue (`blogs.queue` is one)."""

    def claim(self, worker: Any, limit: int, running: Any) -> list[Any]: ...
    def renew(self, works: Any) -> int: ...
    def hand_back(self, works: Any) -> int: ...
    def look(self) -> tuple[float | None, bool]: ...
    def promote(self) -> int: ...
    def rescue(self) -> int: ...
    def stats(self) -> dict[str, Any]: ...


class Chore(NamedTuple):
    every_seconds: float
    do: Callable[..., object]
    name: str
    """What the log calls it when it fails."""
    woken_by: str = ""
    """A channel of `wakeup`: the chore is done at once when something is sent there."""
    first_after_seconds: float | None = None
    """Set if the first time comes sooner after the start than after a pause."""
    asks: bool = False
    """`do` takes a function that says whether to go on; it says no once the worker stops."""
    says_when: bool = False
    """`do` returns in how many seconds to do it again, or None for the usual pause: nothing is open."""
    rests_seconds: float = 0.0
    """Set if the pause grows up to this while nothing is open, four times as long each time. What opens wakes it."""


def _set_all(events: Sequence[threading.Event]) -> None:
    for event in events:
        event.set()


class Pool:
    def __init__(
        self,
        source: Source,
        execute: Callable[[Any], None],
        *,
        threads: int,
        batch_size: int,
        poll_seconds: float,
        chores: Sequence[Chore] = (),
        pace: Pace | None = None,
        verdict: Verdict | None = None,
        pause_seconds: float = 1.0,
        rescue_every_seconds: float = 5.0,
    ) -> None:
        """Each of the `chores` has a thread of its own, so that one that waits for the network delays no other.

        `pace` says how many of the seats are worth filling; without it, all are. `verdict` says whether this release can do the
        work; `execute` tells it. After an error a thread waits `pause_seconds`.
        """
        self._source = source
        self._execute = execute
        self._threads = threads
        self._batch_size = batch_size
        self._poll_seconds = poll_seconds
        self._chores = [(chore, threading.Event(), place * _APART_SECONDS) for place, chore in enumerate(chores)]
        self._pace = pace
        self._verdict = verdict or Verdict()
        self._pause_seconds = pause_seconds
        self._rescue_every_seconds = rescue_every_seconds
        self._seats = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="seat")
        self._running: dict[int, Work] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._due = threading.Event()
        self._stopping = threading.Event()
        self._finished = threading.Event()
        self._signals = 0

    def run(self) -> None:
        """Work until a signal says stop, then drain. Returns when nothing of ours is left running."""
        signal.signal(signal.SIGTERM, self._signalled)
        signal.signal(signal.SIGINT, self._signalled)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as under nohup
            signal.signal(signal.SIGHUP, self._hung_up)
        self._worker = heartbeat.register(self._threads, self._verdict)
        about = {"release": settings.RELEASE, "worker": self._worker.name, "threads": self._threads}
        logger.info("worker started", extra={"action": "working", "batch_size": self._batch_size, **about})
        self._beat([], 0.0)
        background = [
            threading.Thread(target=self._keep_alive, name="heartbeat", daemon=True),
            threading.Thread(target=self._keep_house, name="housekeeping", daemon=True),
            threading.Thread(target=wakeup.listen, args=(self._wakes(), self._stopping), name="wakeup", daemon=True),
        ]
        background += [threading.Thread(target=self._keep_up, args=chore, daemon=True) for chore in self._chores]
        for thread in background:
            thread.start()
        try:
            self._claim_until_stopped()
            self._drain()
        finally:
            self._finished.set()
            with self._going_on("leaving"):
                heartbeat.unregister(self._worker, self._verdict)

    # --- Filling seats ------------------------------------------------------------------------------------------------

    def _claim_until_stopped(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            self._wake.wait(self._fill_seats())

    def _fill_seats(self) -> float:
        """Claim work for the free seats; return the seconds until the next claim, unless a wake-up comes first."""
        limit = self._verdict.room(min(self._free_seats(), self._batch_size))
        claimed: list[Work] = []
        if limit > 0:
            with self._going_on("claim"), self._verdict.over_claims():
                claimed = self._source.claim(self._worker, limit, self._works())
        for work in claimed:
            with self._lock:
                self._running[id(work)] = work
            self._executor.submit(self._occupy_a_seat, work)
        if not claimed:
            return min(self._poll_seconds, self._verdict.seconds_until_probe())
        # A claim that brings fewer than asked for has emptied the queue. All claims share a lock, so the next one waits a little.
        return 0 if len(claimed) == limit else _REST_SECONDS

    def _occupy_a_seat(self, work: Work) -> None:
        try:
            with released_afterwards():
                self._execute(work)
        except DATABASE_AWAY as error:
            # The database was away for longer than the lease; a rescue finds the work.
            about = {"action": "outage", "work": work.pk, "error": type(error).__name__, "worker": self._worker.name}
            logger.warning("work lost its database", extra=about)
        except Exception:
            # A thread's edge. `execute` ends every work in an outcome; an error that escapes it leaves a lease that runs out.
            logger.exception("work ended without an outcome", extra={"action": "lost", "work": work.pk})
        finally:
            with self._lock:
                self._running.pop(id(work))
            self._wake.set()

    def _free_seats(self) -> int:
        with self._lock:
            return self._seats - len(self._running)

    def _works(self) -> list[Work]:
        with self._lock:
            return list(self._running.values())

    # --- In the background --------------------------------------------------------------------------------------------

    def _keep_alive(self) -> None:
        """Renew leases and touch our row; now and then write one line into the log."""
        beat_at = time.monotonic()
        log_at = beat_at + settings.BLOG_WORKER_HEARTBEAT_LOG_SECONDS
        while not self._finished.wait(settings.BLOG_WORKER_LEASE_RENEW_SECONDS):
            with self._going_on("heartbeat"):
                heartbeat.show_alive()
                works = self._works()
                if works:
                    self._source.renew([work for work in works if not work.overdue])
                now = time.monotonic()
                if not self._beat(works, now - beat_at):
                    # Pruned as dead: others have our work by now, and would not see us in any list.
                    logger.error("this worker was given up for dead", extra={"action": "pruned"})
                    self._begin_to_stop()
                    return
                beat_at = now
                if time.monotonic() >= log_at:
                    log_at += settings.BLOG_WORKER_HEARTBEAT_LOG_SECONDS
                    heartbeat.log(len(works), self._threads, self._source.stats())

    def _beat(self, works: list[Work], seconds: float) -> bool:
        """Touch our row, `seconds` after the last time, and learn how many seats to fill. False: our row is gone."""
        fed = self._pace.in_flight() if self._pace else math.inf
        crew = heartbeat.beat(self._worker, len(works), self._verdict, stopping=self._stopping.is_set(), fed=fed)
        if crew and self._pace:
            # A longer gap was no time at work: the database was away, or this process was stopped.
            usual = min(seconds, 2 * settings.BLOG_WORKER_LEASE_RENEW_SECONDS)
            self._pace.beat(len(works) - waiting_for_shared(), usual)
            seats, self._seats = self._seats, self._pace.seats(crew)
            if self._seats > seats:
                self._wake.set()
        return crew is not None

    def _keep_house(self) -> None:
        """Promote what is due, at the moment it is due; look for leases that ran out every few seconds."""
        while not self._stopping.is_set():
            wait = min(self._poll_seconds, self._rescue_every_seconds)
            with self._going_on("housekeeping"):
                due, is_expired = self._source.look()
                if due == 0 and self._source.promote():
                    self._wake.set()
                    due, is_expired = self._source.look()
                # What is due and was not promoted is locked by another worker.
                wait = wait if due is None else min(wait, due or _PAUSE_WHILE_LOCKED_SECONDS)
                if is_expired and self._source.rescue():
                    self._wake.set()
            self._due.wait(max(0.01, wait))
            self._due.clear()

    def _keep_up(self, chore: Chore, wake: threading.Event, apart: float) -> None:
        pause = apart + (chore.every_seconds if chore.first_after_seconds is None else chore.first_after_seconds)
        rest = chore.every_seconds
        while not self._stopping.is_set():
            wake.wait(pause)
            wake.clear()
            if self._stopping.is_set():
                return
            # Until it has said otherwise: one that an outage ended may have left work half done, and is soon done again.
            again: Any = _PAUSES_AFTER_AN_ERROR * self._pause_seconds
            with self._going_on(chore.name):
                again = chore.do(*([self._goes_on] if chore.asks else []))
            if chore.says_when and again is None:
                pause = rest = min(4 * rest, max(chore.rests_seconds, chore.every_seconds))
            else:
                pause, rest = again if chore.says_when else chore.every_seconds, chore.every_seconds

    def _goes_on(self) -> bool:
        return not self._stopping.is_set()

    def _wakes(self) -> dict[str, Callable[[], object]]:
        woken: dict[str, list[threading.Event]] = {wakeup.WORK: [self._wake]}
        for chore, wake, _ in self._chores:
            if chore.woken_by:
                woken.setdefault(chore.woken_by, []).append(wake)
        return {channel: functools.partial(_set_all, wakes) for channel, wakes in woken.items()}

    @contextmanager
    def _going_on(self, doing: str) -> Iterator[None]:
        """Log what fails in the block and pause, so that the thread goes on: without it leases run out, and nothing is rescued."""
        try:
            with released_afterwards():
                yield
        except DATABASE_AWAY as error:
            logger.warning("database away", extra={"action": "outage", "doing": doing, "error": type(error).__name__})
            self._finished.wait(self._pause_seconds)
        except Exception:
            # A thread's edge.
            logger.exception("unexpected error", extra={"action": "bug", "doing": doing})
            self._finished.wait(self._pause_seconds)

    # --- Leaving ------------------------------------------------------------------------------------------------------

    def _signalled(self, signum: int, frame: object) -> None:
        """Runs on the main thread between any two of its instructions, so it may take no lock which that thread could hold."""
        self._signals += 1
        if self._signals > 1:
            os._exit(128 + signum)
        threading.Thread(target=self._begin_to_stop, name="stopping", daemon=True).start()

    def _hung_up(self, signum: int, frame: object) -> None:
        """Drain. Never more, because a closing terminal may send it twice."""
        threading.Thread(target=self._begin_to_stop, name="stopping", daemon=True).start()

    def _begin_to_stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        self._due.set()
        for _, wake, _ in self._chores:
            wake.set()

    def _drain(self) -> None:
        deadline = time.monotonic() + settings.BLOG_WORKER_DRAIN_SECONDS
        logger.info("draining", extra={"action": "drain", "in_flight": len(self._works())})
        while self._works() and time.monotonic() < deadline:
            self._wake.clear()
            if self._works():
                self._wake.wait(min(1.0, max(0.0, deadline - time.monotonic())))
        left = self._works()
        if left:
            # Their threads may hang in a call for long. Without the lease they can write nothing more.
            with self._going_on("hand back"):
                returned = self._source.hand_back(left)
                logger.warning("handed back", extra={"action": "hand_back", "works": returned})
        self._executor.shutdown(wait=False, cancel_futures=True)
        logger.info("drained", extra={"action": "drained"})
