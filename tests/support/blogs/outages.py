"""What tests of a provider's outage share: how it begins, and how its breaker stands."""

from __future__ import annotations

from collections.abc import Callable

from blogs.models import BlogGeneration
from tests.sandbox import Sandbox
from tests.support import factories
from wix.models import Site
from workers.context.process_memory import forget_everything
from workers.database.clock import ClockTimestamp
from workers.models import Breaker

Run = Callable[[BlogGeneration], BlogGeneration]
"""Claims this blog, whatever waits beside it, and runs it to its outcome; returns the row as it is afterwards."""


def is_open(provider: str) -> bool:
    return Breaker.objects.filter(provider=provider, opened_at__isnull=False).exists()


def probe_is_due(site: int | None = None) -> None:
    """Let a probe be due now, the one before having been of that site."""
    Breaker.objects.update(probe_at=ClockTimestamp(), probe_party=site)
    forget_everything()


def open_openai(sandbox: Sandbox, shops: list[Site], run: Run) -> list[BlogGeneration]:
    sandbox.fault("openai", "500", times=None)
    failed = [run(factories.pending_generation(shop)) for shop in shops[:3]]
    assert is_open("openai")
    return failed
