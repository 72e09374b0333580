"""How a blog is made, from the shop's products to the draft post.

Each stage's output is saved before the next stage begins. A retry therefore resumes at the first stage that is missing, and pays
for nothing twice. The picture is ordered before the article is written and collected after it. It is optional: a blog that can't
have one goes on without, with a warning (`picture` says when).
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import F

from blogs import defects, earlier_posts, picture, unexpected
from blogs.article.quality.reporting import is_held
from blogs.article.schema import REFUSED, VERSION, ArticleContent, word_count
from blogs.models import Article, BlogGeneration, OnDuplicate, Stage
from blogs.profiles import reading
from blogs.profiles.settings import for_articles
from blogs.queue import fence, lifecycle, waiting
from blogs.queue.request import details_of
from blogs.restore import copies, search
from blogs.stages import article, draft, image, image_order, media, planning, products, publish
from blogs.stages.inputs import Inputs
from wix import languages
from wix.models import Site
from workers import metrics
from workers.context.deadline import DeadlineExceeded, within
from workers.context.log_context import log_context
from workers.context.on_behalf import Caller, on_behalf_of
from workers.database.clock import ClockTimestamp
from workers.database.outage import DATABASE_AWAY, outlasts_an_outage
from workers.errors import LeaseLost, PermanentError, RateLimited, TransientError, WorkError
from workers.outbound import breakers
from workers.pool.verdict import Verdict

logger = logging.getLogger(__name__)

Output = dict[str, Any]

# Time to save a stage's outcome, between the stage's last moment and the end of its lease.
_GRACE_SECONDS = 10


class Step(NamedTuple):
    stage: Stage
    run: Callable[[Inputs], Output]

    @property
    def optional(self) -> bool:
        return self.stage in picture.STAGES


STEPS: tuple[Step, ...] = (
    Step(Stage.PRODUCTS, products.run),
    Step(Stage.IDEA, planning.run),
    Step(Stage.IMAGE_ORDER, image_order.run),
    Step(Stage.ARTICLE, article.run),
    Step(Stage.IMAGE, image.run),
    Step(Stage.MEDIA, media.run),
    Step(Stage.DRAFT, draft.run),
    Step(Stage.PUBLISH, publish.run),
)
# The place of the first stage after the draft.
_PUBLISH = 1 + [step.stage for step in STEPS].index(Stage.DRAFT)


def execute(generation: BlogGeneration, verdict: Verdict | None = None) -> None:
    """Run a claimed blog to exactly one outcome. All of the policy about errors stands here and in the next two.

    `verdict` judges the release by its unexpected errors; without one, each is the blog's own.
    """
    with (
        log_context(blog=generation.pk, site=generation.site_id, attempt=generation.attempts),
        on_behalf_of(Caller(work=generation.pk, party=generation.site_id)),
        breakers.telling(waiting.provider_is_back),
    ):
        try:
            _run_to_an_outcome(generation, verdict)
        except LeaseLost:
            # Any write may find that another worker has taken the blog over.
            logger.warning("lease lost", extra={"action": "lease_lost", "worker": generation.worker_name})


def _run_to_an_outcome(generation: BlogGeneration, verdict: Verdict | None) -> None:
    try:
        _run_to_an_expected_outcome(generation, verdict)
    except (LeaseLost, *DATABASE_AWAY):
        # Nothing can be written. The lease runs out, and a rescue finds the blog.
        raise
    except Exception as error:
        # A bug of ours, or tables that this code does not know. An engineer should look.
        logger.exception("unexpected error in a stage", extra={"action": "bug"})
        unexpected.met(generation, error, verdict)


def _run_to_an_expected_outcome(generation: BlogGeneration, verdict: Verdict | None) -> None:
    try:
        run(generation, verdict)
    except RateLimited as limited:
        # Not the blog's fault: no attempt is spent.
        lifecycle.defer(generation, limited, at_most=picture.longest_wait(generation, limited))
    except DeadlineExceeded:
        _try_again(generation, _took_too_long(Stage(generation.stage)))
    except PermanentError as error:
        lifecycle.fail(generation, error)
    except TransientError as error:
        _try_again(generation, error)


def _try_again(generation: BlogGeneration, error: TransientError) -> None:
    """Try a stage again, unless that would be in vain. A picture's failures spend none of the blog's attempts."""
    if Stage(generation.stage) in picture.STAGES:
        lifecycle.retry_later(generation, error, spared_tries=picture.tries(generation))
    elif defects.are_repeated(generation, error):
        lifecycle.fail(generation, error)
    else:
        lifecycle.retry_later(generation, error)  # becomes fail() on the last attempt


def run(generation: BlogGeneration, verdict: Verdict | None = None) -> None:
    """Take a blog through its missing stages, one after the other, until it is DONE or cancelled."""
    if generation.cancel_requested_at and lifecycle.honour_cancel(generation):
        return
    if generation.draft_search_since and not generation.draft_post_id:
        search.before_anything(generation)
    inputs = inputs_of(generation)
    if not _missing(generation, inputs):
        # Its draft was found after a restore, and is not to be published.
        lifecycle.succeed(generation, Stage.DRAFT, inputs.of(Stage.DRAFT))
        return
    # The stages' deadlines keep a picture that this very run orders from growing too old.
    may_be_too_old = Stage.IMAGE_ORDER in inputs.outputs
    while missing := _missing(generation, inputs):
        step, following = missing[0], missing[1] if len(missing) > 1 else None
        if may_be_too_old and picture.order_again_if_too_old(generation, before=step.stage):
            inputs, may_be_too_old = _from_the_order_on(generation), False
            continue
        taken = _take(step, generation, inputs)
        if taken is None:
            inputs = _from_the_order_on(generation)
            continue
        output, warnings = taken
        if step.stage == Stage.DRAFT:
            _remember_author(generation, output)
        goes_on = _save(generation, step.stage, output, warnings, following)
        if verdict:
            verdict.passed(generation.pk, generation.site_id, step.stage, is_last=following is None)
        if not goes_on or following is None:
            return
        inputs = inputs.with_output(step.stage, output)
    # SUCCEED saves the last output together with DONE, so no blog comes here; one that does must not end silently.
    raise AssertionError("no stage is missing, and the blog is not finished")


def _from_the_order_on(generation: BlogGeneration) -> Inputs:
    """Return what a blog knows that was sent back to its picture's order: not to look for the order that was of no use."""
    return replace(inputs_of(generation), resumed=False)


def _missing(generation: BlogGeneration, inputs: Inputs) -> list[Step]:
    """List the stages that are still to run. What comes before a draft isn't, once it is there: it may have been found at Wix.

    An article that is held for a person is not published (`article.quality.reporting`).
    """
    steps = STEPS[_PUBLISH:] if Stage.DRAFT in inputs.outputs else STEPS
    publishes = generation.publish and not is_held(inputs.outputs.get(Stage.ARTICLE, {}))
    wanted = (step for step in steps if step.stage != Stage.PUBLISH or publishes)
    return [step for step in wanted if step.stage not in inputs.outputs]


def _save(
    generation: BlogGeneration, stage: Stage, output: Output, warnings: list[WorkError], following: Step | None
) -> bool:
    """Save a stage's output, and with the last one the blog's success. False: it was cancelled here."""
    post = {name: output[name] for name in fence.POST_COLUMNS if name in output}
    if following is None:
        lifecycle.succeed(generation, stage, output, warnings=warnings, **post)
        reading.after_a_blog(generation)
        return True
    article = _article_row(generation, output) if stage == Stage.ARTICLE else None
    goes_on = lifecycle.checkpoint(
        generation, stage, output, next_stage=following.stage, article=article, warnings=warnings, **post
    )
    if goes_on and article and generation.publish and is_held(output):
        # A worker of a release that knows of no held articles takes a stage with an output for done. So it publishes none either.
        fence.keep(generation, Stage.PUBLISH, {})
    return goes_on


def _take(step: Step, generation: BlogGeneration, inputs: Inputs) -> tuple[Output, list[WorkError]] | None:
    """Run one stage; return its output and its warnings. An optional stage that is given up has an empty output and its error as
    a warning. None: the blog was sent back to an earlier stage."""
    warnings: list[WorkError] = []
    seconds = settings.STAGE_DEADLINE_SECONDS[step.stage]
    # The stage ends by then, with all its calls and their waits for limits. A thread that doesn't end is stuck.
    in_all = seconds + settings.RATE_LIMIT_MAX_WAIT_SECONDS
    generation.renew_until = time.monotonic() + in_all + _GRACE_SECONDS
    with log_context(stage=step.stage), within(in_all):
        try:
            return _timed(step, replace(inputs, seconds=seconds, warn=warnings.append)), warnings
        except (WorkError, DeadlineExceeded) as raised:
            error = _took_too_long(step.stage) if isinstance(raised, DeadlineExceeded) else raised
            if picture.order_again_if_interrupted(generation, error):
                return None
            if step.optional and picture.is_given_up(generation, error):
                return {}, [*warnings, error]
            raise


def _timed(step: Step, inputs: Inputs) -> Output:
    began, outcome = time.monotonic(), "error"
    try:
        output = step.run(inputs)
        outcome = "ok"
        return output
    finally:
        metrics.observe(metrics.STAGE_SECONDS, step.stage.value, outcome, seconds=time.monotonic() - began)


def _took_too_long(stage: Stage) -> TransientError:
    return TransientError("timeout", f"The stage {stage} took longer than it may.")


@outlasts_an_outage
def inputs_of(generation: BlogGeneration) -> Inputs:
    """Read what the stages may know of a blog."""
    site, details = generation.site, details_of(generation)
    nothing_is_saved = generation.stage == Stage.PRODUCTS
    return Inputs(
        generation_id=generation.pk,
        site_id=generation.site_id,
        lease_token=generation.lease_token,
        instance_id=str(site.instance_id),
        site_name=site.name,
        site_url=site.url,
        member_id=_text(site.member_id),
        source_type=generation.source_type,
        source_id=generation.source_id,
        language=languages.normalised(generation.language or site.language or "en"),
        tone=generation.tone,
        length=generation.length,
        cover=generation.cover,
        categories=generation.categories,
        publish_at=generation.publish_at,
        attempt=generation.attempts,
        seconds=0,
        outputs={} if nothing_is_saved else dict(generation.outputs.values_list("stage", "output")),
        draft_post_id=_text(generation.draft_post_id),
        draft_create_age=_draft_create_age(generation),
        note_draft_create=functools.partial(_note_draft_create, generation),
        earlier_posts=functools.partial(earlier_posts.of_shop, generation),
        others=functools.partial(_inputs_of_others, generation),
        on_duplicate=details.on_duplicate or OnDuplicate.WARN,
        product_ids=details.product_ids,
        instructions=details.instructions,
        profile=for_articles(generation.profile),
        publish=generation.publish,
        keep=functools.partial(fence.keep, generation),
        refused=_refused_for(generation),
        resumed=True,
    )


@outlasts_an_outage
def _inputs_of_others(generation: BlogGeneration, ids: Sequence[int]) -> list[Inputs]:
    """Read what the idea's stage may know of other blogs of the site."""
    others = list(BlogGeneration.objects.select_related("details", "profile").filter(pk__in=ids).order_by("pk"))
    for other in others:
        other.site = generation.site
    return [inputs_of(other) for other in others]


def _refused_for(generation: BlogGeneration) -> str:
    is_refused = generation.error_code in ("content_invalid", "duplicate_topic")
    return generation.error_message.removeprefix(REFUSED) if is_refused else ""


def _note_draft_create(generation: BlogGeneration) -> None:
    """Let a create leave only from a database that knows all that was done (`restore/copies.py`)."""
    copies.require_settled_for_a_draft()
    lifecycle.note_draft_create(generation)


def _draft_create_age(generation: BlogGeneration) -> float | None:
    if generation.draft_create_started_at is None:
        return None
    known = BlogGeneration.objects.filter(pk=generation.pk)
    age = known.values_list(ClockTimestamp() - F("draft_create_started_at"), flat=True).get()
    return float(age.total_seconds())


def _text(known: object) -> str | None:
    return str(known) if known else None


@outlasts_an_outage
def _remember_author(generation: BlogGeneration, output: Output) -> None:
    """Keep the member in whose name the draft was made: the site's later drafts get the same author."""
    if member_id := output.get("member_id"):
        Site.objects.filter(pk=generation.site_id).exclude(member_id=member_id).update(member_id=member_id)


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
