"""Reads all that the first page shows, in one snapshot of the database, so that its numbers agree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.urls import reverse

from blogs.desk.base import span
from blogs.desk.blogs import places
from blogs.desk.blogs.places import Place, Share
from blogs.desk.charts import Chart
from blogs.desk.front import drain, ended, pace, what_to_do
from blogs.desk.front.ended import Duration, Failures
from blogs.desk.front.what_to_do import Advice
from blogs.desk.money import spend
from blogs.desk.sites import site_lines
from blogs.desk.system import pausing
from blogs.operations import health
from blogs.operations.health import Service
from workers.limits.costs import Cost
from workers.limits.usage import Share as Use

# How many of the shops with the most unfinished blogs are listed.
_SHOPS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """A place, the list of the blogs that stand there, and how old the oldest of them is."""

    place: Place
    url: str
    age: str


@dataclass(frozen=True, slots=True)
class Meter:
    """How much of what a limit allows in a minute the last one used."""

    name: str
    used: int
    allowed: int
    blocked_until: datetime | None

    @property
    def share(self) -> str:
        return f"{self.used / self.allowed:.0%}" if self.allowed else ""


@dataclass(frozen=True, slots=True)
class Provider:
    """A service that we call, and if it is not asked now: since when, by whom and why."""

    name: str
    down: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Worker:
    about: dict[str, Any]
    silent: str


@dataclass(frozen=True, slots=True)
class Front:
    at: datetime
    service: Service
    advice: list[Advice]
    plainly: list[str]
    pause: dict[str, Any] | None
    standing: list[Standing]
    drains: str
    drains_why: str
    charts: list[Chart]
    failures: list[Failures]
    durations: list[Duration]
    meters: list[Meter]
    providers: list[Provider]
    workers: list[Worker]
    shops: list[Share]
    paused: list[Any]
    spent: Cost


def read() -> Front:
    with _one_snapshot():
        service = health.service()
        found, shops = places.counted_with_shops(_SHOPS_SHOWN)
        lately = ended.read()
        paused = site_lines.paused_lines()
        spent = spend.of_today()
        pause = pausing.pause_of_all() if service.queue["paused"] else None
    drains, why = drain.forecast(service, found, lately)
    return Front(
        at=lately.now,
        service=service,
        advice=what_to_do.advice(service.alerts),
        plainly=_plainly(service, found, lately, pause),
        pause=pause,
        standing=[_standing(place, lately.now) for place in found],
        drains=drains,
        drains_why=why,
        charts=pace.charts(lately),
        failures=lately.failures,
        durations=lately.durations,
        meters=[meter for share in service.shares for meter in _meters(share)],
        providers=_providers(service),
        workers=[
            Worker(worker, span((lately.now - worker["heartbeat_at"]).total_seconds())) for worker in service.workers
        ],
        shops=shops,
        paused=paused,
        spent=spent,
    )


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """Let all statements see the database as the first one does. Within another transaction, which began otherwise, they do not."""
    is_first = not connection.in_atomic_block
    with transaction.atomic():
        if is_first:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _plainly(service: Service, found: list[Place], lately: ended.Ended, pause: dict[str, Any] | None) -> list[str]:
    """Say in sentences what a column of noughts would not."""
    every = sum(place.count for place in found)
    lines_paused = sum(place.count for place in found if place.name == "paused")
    said = []
    if pause:
        said.append(f"All lines are paused by {pause['by']} since {pause['since']:%Y-%m-%d %H:%M} UTC: {pause['why']}")
    elif every and lines_paused == every:
        said.append("Every unfinished blog is in a paused line.")
    if not service.workers:
        waits = "Blogs wait for one." if service.is_idle_with_work else "No blog waits for one."
        said.append(f"No worker is alive. {waits}")
    if not every:
        ended_lately = sum(lately.minutes.values())
        said.append(
            "No blog is unfinished."
            if ended_lately
            else "No blog is unfinished, and none has ended within the last hour."
        )
    return said


def _standing(place: Place, now: datetime) -> Standing:
    url = f"{reverse('admin:blogs_bloggeneration_changelist')}?where={place.name}"
    return Standing(place, url, span((now - place.oldest).total_seconds()) if place.oldest else "")


def _meters(share: Use) -> Iterator[Meter]:
    yield Meter(f"{share}: requests", share.requests, share.requests_allowed, share.blocked_until)
    if share.tokens_allowed:
        yield Meter(f"{share}: tokens", share.tokens, share.tokens_allowed, share.blocked_until)


def _providers(service: Service) -> list[Provider]:
    down = {each["provider"]: each for each in service.providers_down}
    names = [*pausing.PROVIDERS, *(name for name in down if name not in pausing.PROVIDERS)]
    return [Provider(name, down.get(name)) for name in names]
