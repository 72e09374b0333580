"""The simulated day with what each shop is promised: `python -m tests.bench.eta_day --scale 0.2 --output FILE`.

As `day_run`, on an empty database that Django is set up for. A seed, a day and three replicas; nothing of a stage is real but its
time. What forecasts learn from is written too: a checkpoint for each stage, a row for each call, and what was told.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.bench.day_stages import Blog, Step

_REPLICAS, _SEED, _BEAT_SECONDS = 3, 3, 20.0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=0.2, help="of the day's traffic")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()

    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    connection.close = lambda: None  # type: ignore[method-assign]
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    options.output.write_text(json.dumps(run(options.scale)))
    return 0


def run(scale: float) -> dict[str, Any]:
    from django.db import connection

    from blogs.models import BlogGeneration, Stage
    from blogs.providers import ordinary_blog
    from blogs.queue import forecast
    from blogs.queue.forecast import Estimate, promises
    from tests.bench import day_traffic, eta_figures, filling
    from tests.bench.day_clock import Clock
    from tests.bench.day_simulation import Simulation
    from tests.bench.day_stages import tokens
    from wix.models import Site
    from workers.database.clock import ClockTimestamp
    from workers.models import ProviderCall, WorkerProcess
    from workers.pool.pace import Pace

    class Promising(Simulation):
        told: dict[int, Estimate]
        saves_every_stage = True

        def _fill_seats(self) -> None:
            if len(self.told) < len(self.blogs):
                pk = next(reversed(self.blogs))
                if pk not in self.told:
                    blog = BlogGeneration.objects.get(pk=pk)
                    self.told[pk] = forecast.estimates([blog])[pk]
                    promises.note(blog, self.told[pk])
                    promises.write()
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

        def alive(self) -> None:
            WorkerProcess.objects.update(heartbeat_at=ClockTimestamp(), fed=self.pace.in_flight())
            if self._left:
                self.loop.at(self.loop.now + _BEAT_SECONDS, self.alive)

    began = time.monotonic()
    random.seed(_SEED)
    day = day_traffic.requests(_SEED, scale)
    clock = Clock()
    clock.install()
    try:
        sites = filling.add_sites(day_traffic.SITES)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        found = Site.objects.in_bulk(sites)
        pace = Pace(ordinary_blog.seconds(), ordinary_blog.use())
        simulation = Promising(clock, day, [found[site] for site in sites], _REPLICAS, _SEED, pace)
        simulation.told = {}
        simulation.loop.at(day[0].at - 1, simulation.alive)
        simulation.run()
    finally:
        clock.uninstall()
    rows = BlogGeneration.objects.filter(status="DONE").values_list("pk", "created_at", "started_at", "finished_at")
    starts, ends = list[tuple[float, float, float]](), list[tuple[float, float, float]]()
    for pk, created, started, finished in rows:
        told = simulation.told.get(pk)
        if told and told.start and told.end and started and finished:
            for kept, span, truth in ((starts, told.start, started), (ends, told.end, finished)):
                early, late, true = ((at - created).total_seconds() for at in (span.early, span.late, truth))
                kept.append((early - 0.5, late + 0.5, true))  # told in whole seconds, outwards
    waited = [each for each in starts if each[2] > ordinary_blog.seconds()]
    return {
        "blogs": len(rows),
        "scale": scale,
        "starts": eta_figures.of(starts),
        "starts_that_waited": eta_figures.of(waited),
        "ends": eta_figures.of(ends),
        "took_s": round(time.monotonic() - began),
    }


if __name__ == "__main__":
    sys.exit(main())
