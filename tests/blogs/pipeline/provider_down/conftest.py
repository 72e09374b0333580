"""A provider that is down for everybody, over real HTTP: who notices, who waits where, and how it comes back."""

from __future__ import annotations

from typing import Any

import pytest

from blogs import pipeline, queue
from blogs.models import BlogGeneration
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.outages import Run
from wix.models import Site
from workers.database.clock import ClockTimestamp
from workers.outbound.breaker_states import states


@pytest.fixture(autouse=True)
def _few_are_enough(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BREAKER_FAILURES = settings.BREAKER_SITES = 3
    monkeypatch.setattr(states, "fresh_seconds", 0.0)


@pytest.fixture
def shops(sandbox: Sandbox, shop: Site) -> list[Any]:
    others = [factories.site() for _ in range(4)]
    for other in others:
        sandbox.add_shop(str(other.instance_id), other.name)
    return [shop, *others]


@pytest.fixture
def run() -> Run:
    """Claim this one, whatever waits beside it, and run it to its outcome."""

    def one(generation: BlogGeneration) -> BlogGeneration:
        BlogGeneration.objects.filter(pk=generation.pk, ready=False).update(run_after=ClockTimestamp())
        queue.promote()
        claimed = {mine.pk: mine for mine in queue.claim(factories.WorkerFactory.create(), 50)}
        pipeline.execute(claimed.pop(generation.pk))
        for other in claimed.values():
            queue.hand_back([other])
        return BlogGeneration.objects.get(pk=generation.pk)

    return one
