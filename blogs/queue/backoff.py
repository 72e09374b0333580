"""How long a blog waits before it is tried again."""

from __future__ import annotations

import random

from django.conf import settings

from blogs.models import BlogGeneration, Status
from workers.errors import ProviderDown
from workers.outbound import breaker_rows

# At fifteen seconds each, an hour; whoever comes after these waits as long.
_PROBES_AHEAD = 240
# A stage whose deadline is as long has its turn in the middle between two probes, if nobody quicker has taken it.
_LONGEST_STAGE_SECONDS = 180.0


def retry_seconds(attempts: int) -> float:
    """10 s, 20 s, 40 s … up to 10 minutes, ± 25 % so that blogs which failed together don't return together."""
    return _jittered(settings.BLOG_BACKOFF_SECONDS * 2 ** (attempts - 1))


def deferral_seconds(asked: float, elapsed: float) -> float:
    """What was asked for, and the longer it has been put off already, the longer: half of that time again."""
    longest: float = settings.BLOG_BACKOFF_MAX_SECONDS
    return max(min(asked, longest), _jittered(elapsed / 2))


def until_it_is_back(down: ProviderDown, stage: str) -> tuple[str, float]:
    """For which provider a blog waits, in `defer`'s transaction, and how long at most: all come back at once when it is there
    (`standing.resume`), and one after the other to try it; those of a quick stage first, since they know sooner whether it is."""
    if not breaker_rows.is_open_for_sure(down.provider):
        # It is back already, and has told those that waited: this blog's worker knew it a second late.
        return "", 1.0
    waiting = BlogGeneration.objects.filter(status=Status.PENDING, ready=False, waits_for=down.provider, stage=stage)
    between: float = settings.BREAKER_PROBE_SECONDS
    behind_quicker_ones = between * settings.STAGE_DEADLINE_SECONDS[stage] / _LONGEST_STAGE_SECONDS / 2
    return down.provider, down.retry_in + behind_quicker_ones + between * waiting[:_PROBES_AHEAD].count()


def _jittered(seconds: float) -> float:
    longest: float = settings.BLOG_BACKOFF_MAX_SECONDS
    return min(seconds, longest) * random.uniform(0.75, 1.25)
