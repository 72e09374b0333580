"""`make chaos SIZE=batch`: staff cancel 50,000 blogs at once; workers and the database are killed, then the batch is stopped.

All lines are paused, so nothing but a batch moves a blog. Every few seconds a worker is SIGKILLed and started again; once the
database crashes. When 8,000 are cancelled the batch is stopped, and nothing may move after that. A second batch over 4,000 of
those that were left runs to its end, disturbed in the same way. What is promised: each blog is cancelled once or not at all, with
one event and its credits back once, whatever died; the batches say the same; the ledger is exact.
"""

from __future__ import annotations

import random
import time
from typing import Any

from tests.bench import filling
from tests.chaos import outcome
from tests.chaos.crew import asked
from tests.support.shops import SHOPS
from tests.support.world import World, running

_BLOGS, _SITES, _WORKERS = 50_000, 500, 3
_CRASH_AT, _STOP_AT, _SECOND = 4_000, 8_000, 4_000
_KILL_EVERY_SECONDS = (3.0, 6.0)
# For each of the three parts.
_GIVE_UP_SECONDS, _STILL_SECONDS = 60.0, 3.0
_SETTINGS = {**outcome.SETTINGS, "BATCH_BLOGS_PER_SECOND": "1000"}


def run(patience: float) -> dict[str, Any]:
    with running("chaos-batch", SHOPS, speed=outcome.SPEED, settings=_SETTINGS) as world:
        _prepare()
        told = _Told(world)
        for number in range(_WORKERS):
            told.start(number)
        first = _batch(_BLOGS)
        told.disturb_until(lambda: _moved() >= _CRASH_AT, patience)
        told.crash_database()
        told.disturb_until(lambda: _moved() >= _STOP_AT, patience)
        left = _stop(first)
        second = _batch(_SECOND)
        told.disturb_until(lambda: _is_over(second), patience)
        return {**_counts(first, second), **left, **told.figures()}


def broken(counted: dict[str, Any]) -> list[str]:
    """The promises that were not kept, in words."""
    kept = {
        "each cancelled blog has one event of it": counted["events"]
        == counted["blogs_with_an_event"]
        == counted["cancelled"],
        "each got its credits back once": counted["releases"] == counted["cancelled"],
        "all others have theirs held": counted["held"] == 25 * (counted["blogs"] - counted["cancelled"]),
        "the ledger is exact": counted["ledger_ok"],
        "the two batches say the same": counted["done_by_the_first"] + counted["done_by_the_second"]
        == counted["cancelled"],
        "the second ran to its end": counted["done_by_the_second"] == _SECOND,
        "nothing moves after the stop": not counted["moved_after_stop"],
        "what was stopped says so": counted["stopped"] == counted["blogs"] - counted["done_by_the_first"],
        "the audit log has each batch and the stop once": counted["audit"] == ["cancel", "stop_batch", "cancel"],
        "it was disturbed": counted["sigkills"] > 3 and counted["database_crashes"] == 1,
    }
    return [promise for promise, is_kept in kept.items() if not is_kept]


def _prepare() -> None:
    from blogs.queue import lines

    lines.pause_all(by="ada", reason="a batch is tried")
    filling.add_blogs(_BLOGS, filling.add_sites(_SITES))
    filling.analyze()


def _batch(blogs: int) -> int:
    from blogs.audit import Actor
    from blogs.batches import starting
    from blogs.models import BlogGeneration, Status

    waiting = BlogGeneration.objects.filter(status=Status.PENDING)
    chosen = BlogGeneration.objects.filter(pk__in=waiting.order_by("pk").values("pk")[:blogs])
    batch = starting.start(Actor("ada"), "cancel", chosen, in_words="all that wait", reason="chaos", options={})
    return int(batch.pk)


def _stop(batch: int) -> dict[str, int]:
    """Press the button, and see that nothing moves any more once it has answered."""
    from blogs.audit import Actor
    from blogs.batches import starting

    assert starting.stop(Actor("ada"), batch)
    before = _moved()
    time.sleep(_STILL_SECONDS)
    return {"moved_after_stop": _moved() - before}


def _moved() -> int:
    from blogs.models import BlogGeneration, Status

    return asked(lambda: BlogGeneration.objects.filter(status=Status.CANCELLED).count(), 0)


def _is_over(batch: int) -> bool:
    from blogs.models import Batch

    return asked(lambda: Batch.objects.filter(pk=batch, ended_at__isnull=False).exists(), False)


def _counts(first: int, second: int) -> dict[str, Any]:
    from django.db.models import Count, Sum

    from blogs.models import AuditEntry, BatchItem, BlogGeneration, GenerationEvent
    from blogs.operations import proof
    from credits.models import Credit, CreditAccount

    cancelled = GenerationEvent.objects.filter(kind=GenerationEvent.Kind.CANCELLED)
    by_state = {
        (each["batch"], each["state"]): each["n"]
        for each in BatchItem.objects.values("batch", "state").annotate(n=Count("pk"))
    }
    return {
        "blogs": BlogGeneration.objects.count(),
        "cancelled": _moved(),
        "events": cancelled.count(),
        "blogs_with_an_event": cancelled.aggregate(n=Count("generation", distinct=True))["n"],
        "releases": Credit.objects.filter(kind=Credit.Kind.RELEASE).count(),
        "held": CreditAccount.objects.aggregate(held=Sum("held"))["held"],
        "ledger_ok": not proof.discrepancies(),
        "done_by_the_first": by_state.get((first, "done"), 0),
        "stopped": by_state.get((first, "stopped"), 0),
        "done_by_the_second": by_state.get((second, "done"), 0),
        "audit": list(AuditEntry.objects.order_by("id").values_list("action", flat=True)),
    }


class _Told:
    """The workers, what is done to them, and how long all took."""

    def __init__(self, world: World) -> None:
        self._world, self._dice = world, random.Random(1)
        self._sigkills = self._crashes = 0
        self._began, self._moving = time.monotonic(), 0.0

    def start(self, number: int) -> None:
        self._world.fork_worker(f"worker-{number}", "--threads=1")

    def disturb_until(self, over: Any, patience: float) -> None:
        ends_at = time.monotonic() + _GIVE_UP_SECONDS * patience
        next_kill = time.monotonic() + self._dice.uniform(*_KILL_EVERY_SECONDS)
        while not over() and time.monotonic() < ends_at:
            if time.monotonic() >= next_kill:
                number = self._dice.randrange(_WORKERS)
                self._world.processes.kill(f"worker-{number}")
                self.start(number)
                self._sigkills += 1
                next_kill = time.monotonic() + self._dice.uniform(*_KILL_EVERY_SECONDS)
            time.sleep(0.2)
        self._moving = time.monotonic() - self._began

    def crash_database(self) -> None:
        self._world.database.kill()
        self._world.database.start()
        self._crashes += 1

    def figures(self) -> dict[str, Any]:
        return {
            "sigkills": self._sigkills,
            "database_crashes": self._crashes,
            "blogs_a_second": round(_moved() / self._moving),
        }
