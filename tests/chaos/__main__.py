"""`make chaos`: workers are killed again and again; afterwards every blog must be DONE once, with one draft and one capture.

Prints one JSON object as its last line (keys: docs/benchmarks.md) and exits 1 if anything was lost or came twice.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from config.processes import stop_on_signals
from tests.shops import SHOPS
from tests.world import World, running


@dataclass(frozen=True, slots=True)
class Size:
    blogs: int
    workers: int
    threads: int
    kills: int
    every_seconds: float
    give_up_seconds: float


SIZES = {"small": Size(blogs=200, workers=2, threads=10, kills=20, every_seconds=2, give_up_seconds=240)}

# Everything twenty times faster than in production, also what waits for Wix: a create takes 1.25 s here and not 25. So a blog
# takes about as long as a worker lives, and the kills meet every stage; ten threads, so that there is work until the last kill.
_SPEED = 20
_SETTINGS = {
    "BLOG_WORKER_LEASE_SECONDS": "3",
    "BLOG_WORKER_LEASE_RENEW_SECONDS": "1",
    "STAGE_DRAFT_DEADLINE_SECONDS": "4.5",
    "BLOG_DRAFT_LOOKUP_SECONDS": "4.5",
    "BLOG_DRAFT_SWEEP_SECONDS": "10",
    "BLOG_BACKOFF_SECONDS": "1",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    size = SIZES[parser.parse_args().size]
    stop_on_signals()
    with running("chaos", SHOPS, speed=_SPEED, **_SETTINGS) as world:
        _submit(world, size.blogs)
        for number in range(size.workers):
            world.start_worker(f"worker-{number}", f"--threads={size.threads}")
        _kill_again_and_again(world, size)
        _wait_until_done(world, size)
        counts = {"sigkills": size.kills, "zombies": 0, "database_kills": 0, "network_cuts": 0, **_counts(world, size)}
    print(json.dumps(counts))
    return 0 if _is_right(counts, size) else 1


def _submit(world: World, blogs: int) -> None:
    wanted = [
        (SHOPS[n % 4], {"sourceType": "keyword", "sourceId": f"chaos {n}", "length": "short"}) for n in range(blogs)
    ]
    with ThreadPoolExecutor(8) as submitters:
        for answer in submitters.map(lambda request: world.submit(*request), wanted):
            assert answer.status_code == 201, answer.text


def _kill_again_and_again(world: World, size: Size) -> None:
    for kill in range(size.kills):
        time.sleep(size.every_seconds)
        name = f"worker-{kill % size.workers}"
        world.processes.kill(name)
        world.start_worker(name, f"--threads={size.threads}")
        print(f"SIGKILL {kill + 1} of {size.kills}: {name}; {_done()} blogs done", flush=True)


def _wait_until_done(world: World, size: Size) -> None:
    """All DONE, and every sweep that was due has looked."""
    from blogs.models import BlogGeneration

    gives_up_at = time.monotonic() + size.give_up_seconds
    while time.monotonic() < gives_up_at:
        world.processes.check()
        if _done() == size.blogs and not BlogGeneration.objects.filter(draft_sweep_at__isnull=False).exists():
            return
        time.sleep(0.5)


def _done() -> int:
    from blogs.models import BlogGeneration, Status

    return BlogGeneration.objects.filter(status=Status.DONE).count()


def _counts(world: World, size: Size) -> dict[str, Any]:
    from blogs.models import BlogGeneration, GenerationEvent, Stage, StageOutput
    from blogs.ricos import has_marker
    from blogs.stages.draft import marker_of
    from credits import ledger
    from credits.models import Credit

    drafts = world.sandbox.drafts()
    ids = list(BlogGeneration.objects.values_list("pk", flat=True))
    of_blog = Counter(pk for pk in ids for draft in drafts if has_marker(draft["richContent"], marker_of(pk)))
    captures = Counter(Credit.objects.filter(kind=Credit.Kind.CAPTURE).values_list("generation_id", flat=True))
    rescued = GenerationEvent.objects.filter(kind=GenerationEvent.Kind.RESCUED)
    late = [
        float(found[1])
        for text in rescued.values_list("message", flat=True)
        if (found := re.search(r"([\d.]+) s", text))
    ]
    return {
        "blogs": len(ids),
        "done": _done(),
        "lost": size.blogs - len([pk for pk in ids if of_blog[pk]]),
        "drafts": len(drafts),
        "captures": captures.total(),
        "swept_drafts": GenerationEvent.objects.filter(kind=GenerationEvent.Kind.SWEPT).count(),
        "duplicate_drafts": len(drafts) - len(ids),
        "double_captures": sum(count - 1 for count in captures.values()),
        "ledger_ok": not ledger.discrepancies(),
        "rescues": rescued.count(),
        "creates_looked_up": GenerationEvent.objects.filter(code="draft_unsure")
        .values("generation")
        .distinct()
        .count(),
        "creates_found": StageOutput.objects.filter(stage=Stage.DRAFT, output__found=True).count(),
        "pickup_s_max": max(late, default=0.0),
        "violations": world.sandbox.stats()["violations"],
    }


def _is_right(counts: dict[str, Any], size: Size) -> bool:
    exact = all(counts[key] == size.blogs for key in ("blogs", "done", "drafts", "captures"))
    wrong = [counts[key] for key in ("lost", "duplicate_drafts", "double_captures", "violations")]
    return exact and counts["ledger_ok"] and not any(wrong)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
