"""How long a blog waits before its next try."""

from __future__ import annotations

import random

from django.conf import settings

from blogs.models import BlogGeneration, Status
from workers.errors import ProviderDown, RateLimited
from workers.outbound import breaker_rows

# Blogs that probe a provider one after the other: an hour of them, at fifteen seconds each. Later blogs wait no longer than that.
_PROBES_AHEAD = 240
# A stage with this deadline probes in the middle between two probes of quicker stages.
_LONGEST_STAGE_SECONDS = 180.0


def retry_seconds(attempts: int) -> float:
    """Return 10 s, 20 s, 40 s … up to 10 minutes, ± 25 %, so that blogs which failed together don't return together."""
    return _jittered(settings.BLOG_BACKOFF_SECONDS * 2 ** (attempts - 1))


def deferral_seconds(limited: RateLimited, elapsed: float) -> float:
    """Return the seconds that were asked for, and up to a quarter more: blogs that were put off together don't return together.

    Where nothing was asked they grow: at least half of the time for which the blog was put off already.
    """
    longest: float = settings.BLOG_BACKOFF_MAX_SECONDS
    asked = min(limited.retry_in, longest) * random.uniform(1.0, 1.25)
    return max(asked, _jittered(elapsed / 2)) if limited.is_guess else asked


def until_it_is_back(down: ProviderDown, stage: str) -> tuple[str, float]:
    """Return for which provider a blog waits, and for how many seconds at most; called in the transaction of `defer`.

    When the provider is there, all come back at once (`waiting.provider_is_back`). Until then one after the other comes back and
    tries it. Blogs of a quick stage come first, since they find out sooner.
    """
    if not breaker_rows.is_open_for_sure(down.provider):
        # It is back already, and the blogs that waited were told. This blog's worker learned it a second late.
        return "", 1.0
    waiting = BlogGeneration.objects.filter(status=Status.PENDING, ready=False, waits_for=down.provider, stage=stage)
    between: float = settings.BREAKER_PROBE_SECONDS
    behind_quicker_ones = between * settings.STAGE_DEADLINE_SECONDS[stage] / _LONGEST_STAGE_SECONDS / 2
    return down.provider, down.retry_in + behind_quicker_ones + between * waiting[:_PROBES_AHEAD].count()


def _jittered(seconds: float) -> float:
    longest: float = settings.BLOG_BACKOFF_MAX_SECONDS
    return min(seconds, longest) * random.uniform(0.75, 1.25)
