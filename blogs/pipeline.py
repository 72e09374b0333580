"""How a blog is made, from the shop's products to the draft post. Reads like the product's description.

Each stage's output is saved before the next begins, so a retry resumes at the first stage that is missing and pays for nothing
twice. The picture is ordered before the article is written and collected after it. It is optional: where it can't be had, the
blog goes on without one and says so in a warning.
"""

from __future__ import annotations

import functools
import logging
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import F

from blogs.article.schema import VERSION, ArticleContent, word_count
from blogs.models import Article, BlogGeneration, Stage
from blogs.queue import lifecycle, waiting
from blogs.stages import Inputs, article, draft, idea, image, image_order, media, products, publish
from wix.client.http import WIX, WIX_TOKEN
from wix.models import Site
from workers.context.deadline import DeadlineExceeded, within
from workers.context.log_context import log_context
from workers.context.on_behalf import Work, on_behalf_of
from workers.database.clock import ClockTimestamp
from workers.database.outage import DATABASE_AWAY, outlasts_an_outage
from workers.errors import LeaseLost, PermanentError, ProviderDown, RateLimited, TransientError, WorkError
from workers.outbound import breakers

logger = logging.getLogger(__name__)

Output = dict[str, Any]

# Between a stage's last moment and the end of its lease: time to write down what became of it.
_GRACE_SECONDS = 10


class Step(NamedTuple):
    stage: Stage
    run: Callable[[Inputs], Output]
    optional: bool = False


STEPS = (
    Step(Stage.PRODUCTS, products.run),
    Step(Stage.IDEA, idea.run),
    Step(Stage.IMAGE_ORDER, image_order.run, optional=True),
    Step(Stage.ARTICLE, article.run),
    Step(Stage.IMAGE, image.run, optional=True),
    Step(Stage.MEDIA, media.run, optional=True),
    Step(Stage.DRAFT, draft.run),
    Step(Stage.PUBLISH, publish.run),
)


def execute(generation: BlogGeneration) -> None:
    """Run a claimed blog to exactly one outcome. All of the policy about errors is here."""
    with (
        log_context(blog=generation.pk, site=generation.site_id, attempt=generation.attempts),
        on_behalf_of(Work(generation.pk, generation.site_id)),
        breakers.resuming(waiting.resume),
    ):
        try:
            _run_to_an_outcome(generation)
        except LeaseLost:
            # Any write may find that another worker holds the row by now.
            logger.warning("lease lost", extra={"action": "lease_lost", "worker": generation.worker_name})


def _run_to_an_outcome(generation: BlogGeneration) -> None:
    try:
        run(generation)
    except RateLimited as limited:
        # Not its fault: no attempt spent.
        lifecycle.defer(generation, limited, at_most=_longest_wait(generation, limited))
    except DeadlineExceeded:
        lifecycle.retry_later(generation, _took_too_long(Stage(generation.stage)))
    except PermanentError as error:
        lifecycle.fail(generation, error)
    except TransientError as error:
        lifecycle.retry_later(generation, error)  # becomes fail() on the last attempt
    except (LeaseLost, *DATABASE_AWAY):
        # The database stayed away: the lease runs out, and a rescue finds the blog.
        raise
    except Exception:
        # A bug of ours: somebody should look, and the next attempt may find it mended.
        logger.exception("unexpected error in a stage", extra={"action": "bug"})
        lifecycle.retry_later(generation, TransientError("internal", "An error of ours; an engineer has to look."))


def run(generation: BlogGeneration) -> None:
    """The stages that are still missing, one after the other, up to DONE."""
    if generation.cancel_requested_at and lifecycle.honour_cancel(generation):
        return
    inputs = _inputs(generation)
    steps = [step for step in STEPS if step.stage != Stage.PUBLISH or generation.publish]
    missing = [step for step in steps if step.stage not in inputs.outputs]
    missing_stages = {step.stage for step in missing}
    for step, following in zip(missing, [*missing[1:], None], strict=True):
        if step.stage in _OF_THE_PICTURE and Stage.IMAGE_ORDER not in missing_stages and _ordered_anew(generation):
            run(generation)
            return
        output, warnings = _take(step, generation, replace(inputs, resumed=step is missing[0]))
        inputs = replace(inputs, outputs={**inputs.outputs, step.stage: output})
        columns = _columns(step.stage, output, generation)
        if following is None:
            lifecycle.succeed(generation, step.stage, output, warnings=warnings, **columns)
        elif not lifecycle.checkpoint(
            generation,
            step.stage,
            output,
            next_stage=following.stage,
            article=_article_row(generation, output) if step.stage == Stage.ARTICLE else None,
            warnings=warnings,
            **columns,
        ):
            return
        inputs = replace(inputs, draft_post_id=_text(generation.draft_post_id))


def _take(step: Step, generation: BlogGeneration, inputs: Inputs) -> tuple[Output, list[WorkError]]:
    """One stage's output, and its warnings; for an optional one that can't be had, nothing and the reason."""
    warnings: list[WorkError] = []
    seconds = settings.STAGE_DEADLINE_SECONDS[step.stage]
    # However many calls it makes, with the waiting for their limits it ends by then; a thread that doesn't is stuck.
    in_all = seconds + settings.RATE_LIMIT_MAX_WAIT_SECONDS
    generation.renew_until = time.monotonic() + in_all + _GRACE_SECONDS
    with log_context(stage=step.stage), within(in_all):
        try:
            return step.run(replace(inputs, seconds=seconds, warn=warnings.append)), warnings
        except PermanentError as error:
            if not step.optional:
                raise
            return {}, [*warnings, error]
        except (TransientError, RateLimited) as error:
            if not step.optional or _is_worth_waiting_for(error) or not _patience_is_over(generation, error):
                raise
            return {}, [*warnings, error]
        except DeadlineExceeded:
            late = _took_too_long(step.stage)
            if not step.optional or not _patience_is_over(generation, late):
                raise
            return {}, [*warnings, late]


def _took_too_long(stage: Stage) -> TransientError:
    return TransientError("timeout", f"The stage {stage} took longer than it may.")


_OF_THE_PICTURE = (Stage.IMAGE, Stage.MEDIA)
_TOO_OLD = TransientError("image_too_old", "The picture would be gone before Wix has it; another one is ordered.")


@outlasts_an_outage
def _ordered_anew(generation: BlogGeneration) -> bool:
    """Between a picture's order and its import a blog may have waited for longer than Replicate keeps it.

    Then another one is paid for, once. Whatever keeps a blog waiting for so long again may do so for ever, and the blog goes on
    without a picture. (An order of this very run is never so old: the stages' deadlines say how long they can take.)
    """
    ordered = generation.outputs.filter(stage=Stage.IMAGE_ORDER, output__has_key="prediction_id")
    age = ordered.values_list(ClockTimestamp() - F("created_at"), flat=True).first()
    if age is None or age.total_seconds() <= settings.BLOG_IMAGE_MAX_AGE_SECONDS:
        return False
    if generation.events.filter(code=_TOO_OLD.code).exists():
        return False
    lifecycle.start_over(generation, Stage.IMAGE_ORDER, forgetting=(Stage.IMAGE_ORDER, Stage.IMAGE), because=_TOO_OLD)
    return True


def _is_worth_waiting_for(error: WorkError) -> bool:
    """An outage of Wix costs nobody a picture: the draft would have to wait for it all the same."""
    return isinstance(error, ProviderDown) and error.provider in (WIX.breaker, WIX_TOKEN.breaker)


def _longest_wait(generation: BlogGeneration, error: WorkError) -> float:
    """A blog whose picture can't be had comes back in time to go on without one."""
    is_optional = any(step.optional for step in STEPS if step.stage == generation.stage)
    return settings.BLOG_IMAGE_PATIENCE_SECONDS if is_optional and not _is_worth_waiting_for(error) else math.inf


@outlasts_an_outage
def _patience_is_over(generation: BlogGeneration, error: WorkError) -> bool:
    """A picture is worth ten minutes since the stage before it was through, and not the blog's last attempt."""
    if isinstance(error, TransientError) and generation.attempts >= settings.BLOG_MAX_ATTEMPTS:
        return True
    outputs = generation.outputs.order_by("-created_at")
    waited = outputs.values_list(ClockTimestamp() - F("created_at"), flat=True).first()
    return waited is not None and waited.total_seconds() > settings.BLOG_IMAGE_PATIENCE_SECONDS


@outlasts_an_outage
def _inputs(generation: BlogGeneration) -> Inputs:
    site = generation.site
    fresh = generation.stage == Stage.PRODUCTS  # so nothing is saved yet
    return Inputs(
        generation_id=generation.pk,
        instance_id=str(site.instance_id),
        site_name=site.name,
        site_url=site.url,
        member_id=_text(site.member_id),
        source_type=generation.source_type,
        source_id=generation.source_id,
        language=generation.language or site.language or "en",
        tone=generation.tone,
        length=generation.length,
        cover=generation.cover,
        categories=generation.categories,
        publish_at=generation.publish_at,
        attempt=generation.attempts,
        seconds=0,
        outputs={} if fresh else dict(generation.outputs.values_list("stage", "output")),
        draft_post_id=_text(generation.draft_post_id),
        draft_create_age=_draft_create_age(generation),
        note_draft_create=functools.partial(lifecycle.note_draft_create, generation),
    )


def _draft_create_age(generation: BlogGeneration) -> float | None:
    if generation.draft_create_started_at is None:
        return None
    known = BlogGeneration.objects.filter(pk=generation.pk)
    age = known.values_list(ClockTimestamp() - F("draft_create_started_at"), flat=True).get()
    return float(age.total_seconds())


def _text(known: object) -> str | None:
    return str(known) if known else None


def _columns(stage: Stage, output: Output, generation: BlogGeneration) -> dict[str, str]:
    """What a stage's output writes on the blog's own row."""
    if stage == Stage.DRAFT and (member_id := output.get("member_id")):
        _remember_author(generation.site_id, member_id)
    return {name: output[name] for name in lifecycle.POST_COLUMNS if name in output}


@outlasts_an_outage
def _remember_author(site_id: int, member_id: str) -> None:
    Site.objects.filter(pk=site_id).exclude(member_id=member_id).update(member_id=member_id)


def _article_row(generation: BlogGeneration, output: Output) -> Article:
    article = ArticleContent.stored(output)
    return Article(
        generation=generation,
        version=VERSION,
        title=article.title,
        language=article.language,
        words=word_count(article),
        content=article.model_dump(),
    )
