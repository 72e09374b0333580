"""The real worker with stages that only wait: `python -m tests.bench.worker --stages 8 --wait 0.2 --threads 50`.

Everything else is the product's own: command, pool, claim, leases, checkpoints with outputs of ordinary size, events, ledger.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import django

STAMP = "started-after"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stages", type=int, choices=(1, 8), default=8, help="all eight, or the draft alone")
    parser.add_argument("--wait", type=float, default=0, help="seconds, for all stages of a blog together")
    parser.add_argument("--variation", type=float, default=0, help="of that time: its standard deviation over its mean")
    parser.add_argument("--threads", type=int, default=50)
    parser.add_argument("--poll", type=float, default=10)
    parser.add_argument("--stamp", action="store_true", help="print how long ago a blog's topic says it was asked for")
    options = parser.parse_args()
    django.setup()
    replace_stages(options.stages, options.wait, variation=options.variation, stamp=options.stamp)

    from django.core.management import call_command

    call_command("run_blog_worker", threads=options.threads, poll_interval=options.poll)
    return 0


def replace_stages(count: int, wait: float, *, variation: float = 0, stamp: bool = False) -> None:
    from blogs import pipeline
    from blogs.models import Stage

    steps = [step for step in pipeline.STEPS if count > 1 or step.stage == Stage.DRAFT]
    # No blog asks to be published here, so the last of eight is left out for every blog.
    seconds = wait / max(1, len([step for step in steps if step.stage != Stage.PUBLISH]))
    pipeline.STEPS = tuple(
        step._replace(run=_waiting(step.stage, _log_normal(seconds, variation), stamp=stamp)) for step in steps
    )


def _log_normal(mean: float, variation: float) -> Callable[[], float]:
    if not (mean and variation):
        return lambda: mean
    variance = math.log(1 + variation**2)
    return lambda: random.lognormvariate(math.log(mean) - variance / 2, math.sqrt(variance))


def _waiting(stage: str, seconds: Callable[[], float], *, stamp: bool) -> Callable[[Any], dict[str, Any]]:
    from workers.database.connections import release_connection

    output = _output(stage)

    def run(inputs: Any) -> dict[str, Any]:
        if stamp:
            waited = time.time() - float(inputs.source_id)
            print(f"{STAMP} {waited}\n", end="", flush=True)  # in one piece: others print too
        if wait := seconds():
            # As `outbound.call` does before it waits.
            release_connection()
            time.sleep(wait)
        return output()

    return run


def _output(stage: str) -> Callable[[], dict[str, Any]]:
    from tests.support.blogs.articles import SENTENCE, article, good_blocks, paragraph

    if stage == "article":
        # About 700 words.
        text = article([*good_blocks(), *(paragraph(" ".join([SENTENCE] * 5)) for _ in range(8))]).model_dump()
        return lambda: text
    if stage == "draft":
        return lambda: {"draft_post_id": str(uuid4()), "draft_post_url": "https://shop.example/post", "found": False}
    return dict


if __name__ == "__main__":
    sys.exit(main())
