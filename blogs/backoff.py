"""How long a blog waits before it is tried again."""

from __future__ import annotations

import random

from django.conf import settings


def retry_seconds(attempts: int) -> float:
    """10 s, 20 s, 40 s … up to 10 minutes, ± 25 % so that blogs which failed together don't return together."""
    return _jittered(settings.BLOG_BACKOFF_SECONDS * 2 ** (attempts - 1))


def deferral_seconds(asked: float, elapsed: float) -> float:
    """What was asked for, and the longer it has been put off already, the longer: half of that time again."""
    longest: float = settings.BLOG_BACKOFF_MAX_SECONDS
    return max(min(asked, longest), _jittered(elapsed / 2))


def _jittered(seconds: float) -> float:
    longest: float = settings.BLOG_BACKOFF_MAX_SECONDS
    return min(seconds, longest) * random.uniform(0.75, 1.25)
