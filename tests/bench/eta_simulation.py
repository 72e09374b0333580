"""The simulated day in which each shop is told when its blog starts and ends, as the API tells it.

As `day_simulation`: nothing of a stage is real but its time. What forecasts learn from is written too: a checkpoint for each stage,
a row for each call, and what was told. Unlike in the product, each blog asks for its own idea, and no replica says how many of its
blogs wait for OpenAI.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import datetime
from typing import Any

from blogs.models import BlogGeneration, Stage, Status
from blogs.queue import forecast
from blogs.queue.forecast import Estimate, Range, promises
from blogs.queue.forecast.outlook import Outlook
from tests.bench import day_traffic
from tests.bench.day_clock import Clock
from tests.bench.day_simulation import Simulation
from tests.bench.day_stages import Blog, Step, tokens
from tests.bench.day_traffic import Request
from tests.bench.eta_figures import Promise, Told
from workers.database.clock import ClockTimestamp
from workers.models import ProviderCall, WorkerProcess

_BEAT_SECONDS = 20.0


class Promising(Simulation):
    saves_every_stage = True

    def __init__(self, clock: Clock, day: Sequence[Request], *others: Any) -> None:
        super().__init__(clock, day, *others)
        self._told: dict[int, Estimate] = {}
        self._forgot_at = float("-inf")
        self.loop.at(day[0].at - 1, self._alive)
        Outlook.now = lambda self: clock.moment()  # type: ignore[method-assign]

    def promises(self) -> list[Promise]:
        """Return the promises for all that have started; an end is a truth where it brought a draft."""
        started = BlogGeneration.objects.filter(started_at__isnull=False, pk__in=self._told).order_by("pk")
        return [_promise(self.blogs[each.pk].request, each, self._told[each.pk]) for each in started]

    def _forget(self) -> None:
        """Remember for a second of the day, as a web process does."""
        if self.loop.now - self._forgot_at > 1:
            self._forgot_at = self.loop.now
            promises.write()
            super()._forget()

    def _fill_seats(self) -> None:
        if len(self._told) < len(self.blogs):
            pk = next(reversed(self.blogs))
            if pk not in self._told:
                blog = BlogGeneration.objects.get(pk=pk)
                self._told[pk] = forecast.estimates([blog])[pk]
                promises.note(blog, self._told[pk])
        super()._fill_seats()

    def _take(self, step: Step, blog: Blog) -> Generator[Any, None, None]:
        yield from super()._take(step, blog)
        if step.stage in (Stage.IDEA, Stage.ARTICLE) and blog.generation:
            ProviderCall.objects.create(
                provider="openai",
                kind=step.stage,
                work=blog.generation.pk,
                seconds=blog.request.seconds[step.stage],
                outcome="ok",
                tokens_reserved=tokens(step.stage, blog),
                prompt_bytes=0,
                output_max=0,
                truncated=False,
                images=0,
            )

    def _alive(self) -> None:
        WorkerProcess.objects.update(heartbeat_at=ClockTimestamp(), fed=self.pace.in_flight())
        if self._left:
            self.loop.at(self.loop.now + _BEAT_SECONDS, self._alive)


def _promise(request: Request, generation: BlogGeneration, estimate: Estimate) -> Promise:
    def told(span: Range | None, truth: datetime | None) -> Told | None:
        if not span or not truth:
            return None
        early, late, true = ((at - generation.created_at).total_seconds() for at in (span.early, span.late, truth))
        return Told(early - 0.5, late + 0.5, true)  # the API tells whole seconds, outwards

    ended = generation.finished_at if generation.status == Status.DONE else None
    start, end = told(estimate.start, generation.started_at), told(estimate.end, ended)
    return Promise(_case(request), request.at, generation.site_id, estimate.position, start, end)


def _case(request: Request) -> str:
    for case, since in (("day_burst", day_traffic.MANY_AT), ("day_one_site", day_traffic.ONE_AT)):
        if since <= request.at <= since + day_traffic.BURST_SECONDS:
            return case
    return "day_ordinary"
