"""A blog's patience with its picture: how long it waits for one, when it goes on without, and when it orders another.

A picture is optional. It is worth BLOG_IMAGE_PATIENCE_SECONDS and BLOG_MAX_ATTEMPTS tries, which spend none of the blog's attempts.
An outage of Wix costs no picture, because the draft has to wait for Wix anyway.
"""

from __future__ import annotations

import math

from django.conf import settings
from django.db.models import F

from blogs.models import BlogGeneration, Stage
from blogs.providers.replicate_errors import Interrupted
from blogs.queue import history, lifecycle
from wix.client.wire import WIX, WIX_TOKEN
from workers.database.clock import ClockTimestamp
from workers.database.outage import outlasts_an_outage
from workers.errors import PermanentError, ProviderDown, TransientError, WorkError

STAGES = (Stage.IMAGE_ORDER, Stage.IMAGE, Stage.MEDIA)

_NEED_ITS_FILE = (Stage.IMAGE, Stage.MEDIA)
_TOO_OLD = TransientError("image_too_old", "The picture would be gone before Wix has it; another one is ordered.")
_INTERRUPTED = "image_interrupted"


def longest_wait(generation: BlogGeneration, error: WorkError) -> float:
    """Limit a deferral, in seconds, so that a blog whose picture can't be had comes back in time to go on without it."""
    waits_for_its_picture = generation.stage in STAGES and not _is_outage_of_wix(error)
    return settings.BLOG_IMAGE_PATIENCE_SECONDS if waits_for_its_picture else math.inf


@outlasts_an_outage
def tries(generation: BlogGeneration) -> int:
    """Count how often its picture has failed, this time included, since it was asked for or staff had the blog begin again."""
    failures = history.retries(generation).filter(stage__in=STAGES)
    return failures.exclude(code__in=(_TOO_OLD.code, _INTERRUPTED)).count() + 1


def is_given_up(generation: BlogGeneration, error: WorkError) -> bool:
    """Say whether the blog goes on without its picture after this error."""
    if isinstance(error, PermanentError):
        return True
    return not _is_outage_of_wix(error) and _patience_is_over(generation, error)


def _is_outage_of_wix(error: WorkError) -> bool:
    return isinstance(error, ProviderDown) and error.provider in (WIX.breaker, WIX_TOKEN.breaker)


@outlasts_an_outage
def _patience_is_over(generation: BlogGeneration, error: WorkError) -> bool:
    """The time is counted from the moment when the stage before was through."""
    if isinstance(error, TransientError) and tries(generation) >= settings.BLOG_MAX_ATTEMPTS:
        return True
    outputs = generation.outputs.order_by("-created_at")
    waited = outputs.values_list(ClockTimestamp() - F("created_at"), flat=True).first()
    return waited is not None and waited.total_seconds() > settings.BLOG_IMAGE_PATIENCE_SECONDS


@outlasts_an_outage
def order_again_if_too_old(generation: BlogGeneration, *, before: Stage) -> bool:
    """Send the blog back to the order, once, if Replicate may have deleted the picture that the stage `before` needs.

    A blog may wait between a picture's order and its import for longer than Replicate keeps the file. The second order is paid for
    too, so there is no third: what keeps a blog waiting that long twice may go on for ever, and the blog goes on without a picture.
    """
    if before not in _NEED_ITS_FILE:
        return False
    ordered = generation.outputs.filter(stage=Stage.IMAGE_ORDER, output__has_key="prediction_id")
    age = ordered.values_list(ClockTimestamp() - F("created_at"), flat=True).first()
    if age is None or age.total_seconds() <= settings.BLOG_IMAGE_MAX_AGE_SECONDS:
        return False
    return _order_again(generation, _TOO_OLD)


@outlasts_an_outage
def order_again_if_interrupted(generation: BlogGeneration, error: WorkError) -> bool:
    """Send the blog back to the order, once, if Replicate's machines have failed and not the picture."""
    if not isinstance(error, Interrupted):
        return False
    return _order_again(generation, TransientError(_INTERRUPTED, f"{error.message} Another one is ordered."))


def _order_again(generation: BlogGeneration, because: WorkError) -> bool:
    if generation.events.filter(code__in=(_TOO_OLD.code, _INTERRUPTED)).exists():
        return False
    lifecycle.start_over(generation, Stage.IMAGE_ORDER, forgetting=(Stage.IMAGE_ORDER, Stage.IMAGE), because=because)
    return True
