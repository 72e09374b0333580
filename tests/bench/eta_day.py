"""The simulated day with what each shop is promised: `python -m tests.bench.eta_day --scale 0.2 --output FILE`.

As `day_run`, on an empty database that Django is set up for: a seed, a day, three replicas.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.eta_figures import Promise

_REPLICAS = 3


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0, help="of the day's traffic")
    parser.add_argument("--seed", type=int, default=3, help="the ranges were tuned on 3")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()

    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from tests.bench import eta_figures

    call_command("migrate", verbosity=0)
    connection.close = lambda: None  # type: ignore[method-assign]
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    eta_figures.write(run(options.scale, options.seed), options.output)
    return 0


def run(scale: float, seed: int) -> list[Promise]:
    from django.db import connection

    from blogs.providers import ordinary_blog
    from tests.bench import day_traffic, filling
    from tests.bench.day_clock import Clock
    from tests.bench.eta_simulation import Promising
    from wix.models import Site
    from workers.pool.pace import Pace

    random.seed(seed)
    day = day_traffic.requests(seed, scale)
    clock = Clock()
    clock.install()
    try:
        sites = filling.add_sites(day_traffic.SITES)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        found = Site.objects.in_bulk(sites)
        pace = Pace(ordinary_blog.seconds(), ordinary_blog.use())
        simulation = Promising(clock, day, [found[site] for site in sites], _REPLICAS, seed, pace)
        simulation.run()
    finally:
        clock.uninstall()
    return simulation.promises()


if __name__ == "__main__":
    sys.exit(main())
