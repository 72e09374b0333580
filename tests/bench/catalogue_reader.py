"""`python -m tests.bench.catalogue_reader SHOP OUTPUT`: the products stage of a hundred blogs on 50 threads, and what that took."""

from __future__ import annotations

import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import django


def main(shop: str, output: str) -> None:
    django.setup()
    from tests.bench.catalogue import BLOGS, THREADS

    with ThreadPoolExecutor(THREADS) as threads:
        # All that a worker has before its first product: its threads, and everything imported.
        list(threads.map(lambda _: time.sleep(0.1), range(THREADS)))
        began, memory = time.monotonic(), _peak_mb()
        taken = list(threads.map(lambda number: _blog(shop, number), range(BLOGS)))
    seconds = time.monotonic() - began
    figures = {
        "blogs": len(taken),
        "seconds": round(seconds, 1),
        "deferrals": sum(deferrals for deferrals, _ in taken),
        "deferrals_max": max(deferrals for deferrals, _ in taken),
        "last_blog_s": round(max(at for _, at in taken) - began, 1),
        "rss_before_mb": round(memory),
        "rss_more_mb": round(_peak_mb() - memory, 1),
    }
    Path(output).write_text(json.dumps(figures))


def _blog(shop: str, number: int) -> tuple[int, float]:
    """How often it was put off, and when it had its products."""
    from blogs.queue import backoff
    from blogs.stages import products
    from workers.errors import RateLimited

    deferrals, began = 0, time.monotonic()
    while True:
        try:
            found = products.run(_inputs(shop, number))
            assert len(found["products"]) == 6
            return deferrals, time.monotonic()
        except RateLimited as put_off:
            deferrals += 1
            elapsed = time.monotonic() - began if deferrals > 1 else 0.0
            time.sleep(backoff.deferral_seconds(put_off, elapsed))


def _inputs(shop: str, number: int) -> Any:
    from django.conf import settings

    from blogs.stages.inputs import Inputs

    fields: dict[str, Any] = dict.fromkeys(Inputs.__dataclass_fields__)
    seconds = settings.STAGE_DEADLINE_SECONDS["products"]
    source = {"source_type": "keyword", "source_id": f"wool scarves and {number} other gifts"}
    return Inputs(**{**fields, **source, "instance_id": shop, "seconds": seconds, "outputs": {}})


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
