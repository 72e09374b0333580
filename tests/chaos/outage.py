"""The database goes away for five seconds, under the API and under a worker in full flight; then everything goes on.

Run by `tests/chaos/test_outage.py`; prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import Any

import requests

from config.processes import stop_on_signals
from tests.shops import SHOPS
from tests.world import World, running

_AWAY_SECONDS = 5
_BLOGS = 24
_SPEED = 20
# Scaled like everything else: what waits for Wix waits a twentieth.
_SETTINGS = {
    "STAGE_DRAFT_DEADLINE_SECONDS": "4.5",
    "BLOG_DRAFT_LOOKUP_SECONDS": "4.5",
    "BLOG_BACKOFF_SECONDS": "1",
    "BLOG_WORKER_LEASE_SECONDS": "8",
    "BLOG_WORKER_LEASE_RENEW_SECONDS": "2",
}


def main() -> int:
    stop_on_signals()
    with running("outage", SHOPS, speed=_SPEED, **_SETTINGS) as world:
        world.start_worker()
        for number in range(_BLOGS):
            assert _submit(world, number).status_code == 201
        _wait_until(lambda: _count(status="DONE") > 0)
        world.database.stop("immediate")
        answers = _ask_meanwhile(world)
        world.database.start()
        _wait_until(lambda: _submit(world, _BLOGS).status_code == 201)
        _wait_until(lambda: _count(status="DONE") == _count())
        print(json.dumps({"answers_meanwhile": answers, **_result(world)}))
    return 0


def _submit(world: World, number: int) -> requests.Response:
    return world.submit(SHOPS[number % 4], {"sourceType": "keyword", "sourceId": f"outage {number}", "length": "short"})


def _ask_meanwhile(world: World) -> dict[str, int]:
    """What callers are told while it is away: counted by status, code and whether they are told when to come back."""
    told: Counter[str] = Counter()
    ends_at = time.monotonic() + _AWAY_SECONDS
    while time.monotonic() < ends_at:
        answer = _submit(world, 999)
        told[f"{answer.status_code} {answer.json()['code']} {'Retry-After' in answer.headers}"] += 1
        told[f"health {requests.get(f'{world.url}/health', timeout=10).status_code}"] += 1
    return dict(told)


def _count(**where: str) -> int:
    from django.db import connection

    from blogs.models import BlogGeneration
    from workers.outage import DATABASE_AWAY

    try:
        return BlogGeneration.objects.filter(**where).count()
    except DATABASE_AWAY:
        connection.close()
        return -1


def _wait_until(condition: Any, seconds: float = 60) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends_at:
            raise SystemExit("It did not come to that within a minute.")
        time.sleep(0.1)


def _result(world: World) -> dict[str, Any]:
    from blogs.models import BlogGeneration
    from credits import ledger

    return {
        "blogs": _count(),
        "done": _count(status="DONE"),
        "attempts_max": max(BlogGeneration.objects.values_list("attempts", flat=True)),
        "drafts": len(world.sandbox.drafts()),
        "articles_paid": len(world.sandbox.requests("openai", "article")),
        "ledger_ok": not ledger.discrepancies(),
    }


if __name__ == "__main__":
    sys.exit(main())
