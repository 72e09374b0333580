"""How long a blog waits before it is tried again."""

from __future__ import annotations

import random

from django.conf import settings

from blogs.models import BlogGeneration, Status
from workers import breaker_rows
from workers.errors import ProviderDown

# At fifteen seconds each, an hour; whoever comes after these waits as long.
_PROBES_AHEAD = 240


def retry_seconds(attempts: int) -> float:
    """10 s, 20 s, 40 s … up to 10 minutes, ± 25 % so that blogs which failed together don't return together."""
    return _jittered(settings.BLOG_BACKOFF_SECONDS * 2 ** (attempts - 1))


def deferral_seconds(asked: float, elapsed: float) -> float:
    """What was asked for, and the longer it has been put off already, the longer: half of that time again."""
    longest: float = settings.BLOG_BACKOFF_MAX_SECONDS
    return max(min(asked, longest), _jittered(elapsed / 2))


def until_it_is_back(down: ProviderDown) -> tuple[str, float]:
    """For which provider a blog waits, in `defer`'s transaction, and how long at most: all come back at once when it is there
    (`standing.resume`), and one after the other to try it."""
    if not breaker_rows.is_open_for_sure(down.provider):
        # It is back already, and has told those that waited: this blog's worker knew it a second late.
        return "", 1.0
    waiting = BlogGeneration.objects.filter(status=Status.PENDING, ready=False, waits_for=down.provider)
    between: float = settings.BREAKER_PROBE_SECONDS
    return down.provider, down.retry_in + between * waiting[:_PROBES_AHEAD].count()


def _jittered(seconds: float) -> float:
    longest: float = settings.BLOG_BACKOFF_MAX_SECONDS
    return min(seconds, longest) * random.uniform(0.75, 1.25)
