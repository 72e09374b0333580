"""What becomes of a blog that meets an error which no rule of ours expects: a bug, or tables that this code does not know.

The process's verdict says first whether the blog is to blame (`workers/pool/verdict.py`). Then it is tried again, and that spends
an attempt. If nothing is known it goes back untouched, because a broken release must not fail a blog, however often it is started.

Where little else is asked for nothing may ever get known, and each run may pay for an article. Two rules bound that:

- A blog that was put off BLOG_MAX_ATTEMPTS times is to blame after all if one of the processes that put it off has got another
  site's past the same stage since. The history tells, also of processes that are gone. A process of a broken release gets nothing
  past that stage, so it fails no blog by this rule.
- Otherwise each wait is twice the one before, up to 90 minutes: 27 runs until it fails after BLOG_MAX_DEFERRAL_SECONDS. A lone
  blog that trips a bug and a lone blog under a broken release look alike, so the cost is bounded and not the tries.

A worker that found its release broken takes probes only. That bounds the cost already, so waits don't grow there.
"""

from __future__ import annotations

from django.conf import settings

from blogs.models import BlogGeneration, GenerationEvent
from blogs.queue import history, lifecycle
from workers.database.outage import outlasts_an_outage
from workers.errors import RateLimited, TransientError
from workers.pool.verdict import Verdict

_CODE, _MESSAGE = "internal", "An error of ours; an engineer has to look."
# What a blog waits at first: a good worker beside this one may take it then.
_FIRST_WAIT_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 5400.0
# Doublings after which the longest wait is reached for sure.
_DOUBLINGS = 11


def met(generation: BlogGeneration, error: Exception, verdict: Verdict | None) -> None:
    """Put the blog off, or have it spend an attempt."""
    if verdict is None or verdict.met(generation.pk, generation.site_id, generation.stage, error):
        lifecycle.retry_later(generation, TransientError(_CODE, _MESSAGE))
        return
    at_least = 0.0
    if not verdict.is_broken:
        put_off_by = _workers_that_put_it_off(generation)
        if len(put_off_by) >= settings.BLOG_MAX_ATTEMPTS and _others_got_past(generation, put_off_by):
            lifecycle.retry_later(generation, TransientError(_CODE, _MESSAGE))
            return
        at_least = min(_FIRST_WAIT_SECONDS * 2 ** min(len(put_off_by), _DOUBLINGS), _LONGEST_WAIT_SECONDS)
    lifecycle.defer(generation, RateLimited(_CODE, _MESSAGE, guess=_FIRST_WAIT_SECONDS), at_least=at_least)


@outlasts_an_outage
def _workers_that_put_it_off(generation: BlogGeneration) -> list[tuple[int, str]]:
    """List each time that an error of ours put it off at this stage: the event's id, and the worker's name."""
    events = history.since_it_began(generation, GenerationEvent.Kind.DEFERRED)
    return list(events.filter(code=_CODE, stage=generation.stage).order_by("id").values_list("id", "by"))


@outlasts_an_outage
def _others_got_past(generation: BlogGeneration, put_off_by: list[tuple[int, str]]) -> bool:
    """Tell whether one of these workers has got another site's blog past this stage since the first of these times."""
    first, _ = put_off_by[0]
    saved = GenerationEvent.objects.filter(
        id__gt=first, kind=GenerationEvent.Kind.CHECKPOINT, stage=generation.stage, by__in={by for _, by in put_off_by}
    )
    return saved.exclude(generation__site_id=generation.site_id).exists()
