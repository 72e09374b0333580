"""How long a blog waits that a provider has put off, over real HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from blogs.models import BlogGeneration
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.books import last_event
from tests.support.blogs.pipeline import Attempt
from wix.models import Site


@pytest.mark.parametrize(
    ("provider", "kind", "operation", "least", "most"),
    [
        ("openai", "429", "article", 0.1, 4),
        ("openai", "429_no_retry_after", "article", 0.1, 4),  # its text says how long
        ("replicate", "429", "create", 0.5, 4),
        ("wix", "429", "media_import", 0.5, 4),
        ("wix", "429_no_retry_after", "media_import", 80, 160),
    ],
)
def test_a_blog_put_off_for_minutes_waits_for_what_is_asked_now_and_longer_only_where_nothing_is(
    sandbox: Sandbox, shop: Site, attempt: Attempt, provider: str, kind: str, operation: str, least: float, most: float
) -> None:
    sandbox.fault(provider, "500", operation)
    sandbox.fault(provider, kind, operation, seconds=3)
    factories.pending_generation(shop)
    assert attempt().deferred_since is not None
    BlogGeneration.objects.update(deferred_since=F("deferred_since") - timedelta(minutes=4))

    put_off = attempt()

    assert put_off.run_after is not None
    assert least < (put_off.run_after - last_event(put_off).created_at).total_seconds() <= most
