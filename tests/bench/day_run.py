"""One simulated day, in a process and an empty database of its own: `python -m tests.bench.day_run --replicas 3 --output FILE`."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

SEED = 3


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--replicas", type=int, required=True)
    parser.add_argument("--scale", type=float, default=1.0, help="of the day's traffic")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()

    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    # There is one thread: giving its connection back after each question to the limiter would be most of the question.
    connection.close = lambda: None  # type: ignore[method-assign]
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")  # how fast it is isn't measured
    result = run(options.replicas, options.scale)
    options.output.write_text(json.dumps(result))
    return 0


def run(replicas: int, scale: float = 1.0) -> dict[str, Any]:
    """On the database that Django is set up for, which must be empty."""
    from django.db import connection

    from blogs.providers import ordinary_blog
    from tests.bench import day_report, day_traffic, filling
    from tests.bench.day_clock import Clock
    from tests.bench.day_simulation import Simulation
    from wix.models import Site
    from workers.pool.pace import Pace

    began = time.monotonic()
    random.seed(SEED)  # the product's backoff
    day = day_traffic.requests(SEED, scale)
    clock = Clock()
    clock.install()
    try:
        sites = filling.add_sites(day_traffic.SITES)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        found = Site.objects.in_bulk(sites)
        simulation = Simulation(
            clock,
            day,
            [found[site] for site in sites],
            replicas,
            SEED,
            Pace(ordinary_blog.seconds(), ordinary_blog.use()),
        )
        simulation.run()
    finally:
        clock.uninstall()
    took = round(time.monotonic() - began)
    return {
        "replicas": replicas,
        "in_flight": round(simulation.pace.in_flight()),
        **day_report.figures(simulation, day),
        "took_s": took,
    }


if __name__ == "__main__":
    sys.exit(main())
