"""What tests of the whole pipeline share: attempts at blogs, and what those leave in our rows and at the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection

from blogs import pipeline, queue
from blogs.models import BlogGeneration, GenerationEvent
from blogs.operations import proof
from credits.models import CreditAccount
from tests.sandbox import Sandbox
from tests.support import factories
from wix.client import http
from wix.models import Site
from workers.context.process_memory import forget_everything
from workers.models import RateLimit

Attempt = Callable[[], BlogGeneration]
"""Ends all delays, claims one blog and runs it to its outcome; returns the row as it is afterwards."""


def attempt_one() -> BlogGeneration:
    end_delays()
    (generation,) = queue.claim(factories.WorkerFactory.create(), 1)
    pipeline.execute(generation)
    return BlogGeneration.objects.get(pk=generation.pk)


def end_delays() -> None:
    """Make every delayed blog due, and let it join its line."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blog_generations SET run_after = clock_timestamp() WHERE status = 'PENDING' AND NOT ready"
        )
    queue.promote()


def unblock_limits() -> None:
    """Let the minute be over that a provider asked for, for the table and for what this process remembers."""
    RateLimit.objects.update(blocked_until=None)
    forget_everything()


def age_the_create(seconds: float) -> None:
    """Let a create of a draft have begun that much earlier."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blog_generations SET draft_create_started_at = draft_create_started_at - %s * interval '1 second'",
            [seconds],
        )


def warnings(generation: BlogGeneration) -> list[str]:
    """Return the codes of a blog's warnings."""
    return list(generation.events.filter(kind=GenerationEvent.Kind.WARNING).values_list("code", flat=True))


def free_and_balance(site: Site) -> tuple[int, int]:
    """Return a site's free credits and its balance. Fails where the ledger's sums are wrong."""
    account = CreditAccount.objects.get(site=site)
    assert proof.discrepancies() == []
    return account.available, account.balance


def count(sandbox: Sandbox, operation: str) -> int:
    """Count the requests of that kind that the sandbox's Wix was sent."""
    return len(sandbox.requests("wix", operation))


def make_at_wix(site: Site, path: str, operation: str, **body: Any) -> dict[str, Any]:
    """Create something on the site before the test begins."""
    return http.request(str(site.instance_id), "POST", path, operation=operation, seconds=5, body=body)
