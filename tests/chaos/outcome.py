"""What the runs share that count on one outcome: all that was asked for is DONE, once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.chaos.crew import asked
from tests.chaos.result import drafts_of_blogs
from tests.support.shops import SHOPS, Shop
from tests.support.world import World

# As other runs have it (`tests/chaos/__main__.py`): everything twenty times faster than in production.
SPEED = 20
SETTINGS = {
    "DEBUG": "false",
    "OPERATIONS_OPEN": "true",
    "BLOG_WORKER_LEASE_SECONDS": "6",
    "BLOG_WORKER_LEASE_RENEW_SECONDS": "1",
    "RATE_LIMIT_MAX_WAIT_SECONDS": "3",
    "STAGE_DRAFT_DEADLINE_SECONDS": "4.5",
    "BLOG_DRAFT_LOOKUP_SECONDS": "4.5",
    "BLOG_DRAFT_SWEEP_SECONDS": "10",
    "BLOG_BACKOFF_SECONDS": "1",
}
_TICK_SECONDS = 0.1


def submit(world: World, blogs: int, shops: Sequence[Shop] = SHOPS) -> None:
    """Let these shops ask for blogs in turn."""
    wanted = [
        (shops[n % len(shops)], {"sourceType": "keyword", "sourceId": f"chaos {n}", "length": "short"})
        for n in range(blogs)
    ]
    with ThreadPoolExecutor(8) as submitters:
        for answer in submitters.map(lambda request: world.submit(*request), wanted):
            assert answer.status_code == 201, answer.text


def wait_for(ready: Callable[[], bool], *, seconds: float) -> bool:
    """Wait for something that a run may miss; False: it did."""
    ends_at = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > ends_at:
            return False
        time.sleep(_TICK_SECONDS)
    return True


def all_ended() -> bool:
    """Tell whether no blog is on its way, and no sweep due."""
    from blogs.models import BlogGeneration, Status

    unfinished = BlogGeneration.objects.filter(status__in=(Status.PENDING, Status.PROCESSING))
    unswept = BlogGeneration.objects.filter(draft_sweep_at__isnull=False)
    return asked(lambda: not (unfinished.exists() or unswept.exists()), False)


def counts(world: World, blogs: int) -> dict[str, Any]:
    from blogs.models import BlogGeneration, Status
    from blogs.operations import proof

    ids = list(BlogGeneration.objects.values_list("pk", flat=True))
    drafts = drafts_of_blogs(world.sandbox.drafts(), ids)
    return {
        "blogs": len(ids),
        "done": BlogGeneration.objects.filter(status=Status.DONE).count(),
        "failed": BlogGeneration.objects.filter(status=Status.FAILED).count(),
        "lost": max(0, blogs - len(drafts)),
        "duplicate_drafts": drafts.total() - len(drafts),
        "ledger_ok": not proof.discrepancies(),
    }


def promises(counted: dict[str, Any]) -> dict[str, bool]:
    return {
        "every blog is DONE": counted["done"] == counted["blogs"] and not counted["failed"],
        "nothing is lost, and no draft is there twice": not (counted["lost"] or counted["duplicate_drafts"]),
        "the ledger is exact": counted["ledger_ok"],
    }
