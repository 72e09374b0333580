"""Stage: the article itself, in blocks, as far as it may go without a person.

The gate (`article.quality`) mends what it can. Where it is not sure, or the post is to be published, a critic reads the text. What
is wrong then is repaired once, part by part; the whole article is written again only where most of it fails. What is left makes the
article one that is held: it becomes a draft, and a person decides whether it is published.

Only a text of which no draft can be made is refused, and the next try is told why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings

from blogs.article import critic, cut, prompts, repair
from blogs.article.quality import Finding, Verdict, judged, reporting
from blogs.article.quality.gate import MISSHAPEN
from blogs.article.quality.mends.shape import article_in
from blogs.article.schema import ArticleContent, Idea, InvalidArticle, json_schema
from blogs.models import Stage
from blogs.providers import openai
from blogs.providers.openai_answers import Truncated
from blogs.providers.token_reserve import Kind, output_max
from blogs.stages import revising
from blogs.stages.idea import asked, prompt_data
from blogs.stages.inputs import Inputs
from blogs.stages.revising import NotRepaired
from workers import metrics
from workers.errors import PermanentError, TransientError

# Characters of each product's text: enough to write from, and six of them still leave most of the budget to the article.
_TEXT_MAX = 500
NEEDS_REVIEW = "needs_review"


def run(inputs: Inputs) -> dict[str, Any]:
    """Return the article with its report. Raises TransientError `content_invalid` for a text of which no draft can be made."""
    idea = Idea.model_validate({name: inputs.of(Stage.IDEA)[name] for name in Idea.model_fields})
    first = _first(inputs, idea)
    try:
        verdict = _judged(inputs, idea, first)
    except InvalidArticle as invalid:
        raise TransientError("content_invalid", str(invalid)) from invalid
    findings: list[Finding] = []
    asked_critic = ""
    if revising.is_critic_wanted(inputs, verdict):
        _keep_text(inputs, first)
        findings, asked_critic = revising.criticised(inputs, verdict, _facts(inputs))
    errors = [*verdict.errors, *findings]
    told = [*errors, *verdict.warnings]
    article = verdict.article
    if errors:
        _keep_text(inputs, first)
        article, told = _mended(inputs, idea, verdict, findings)
        _refuse_if_misshapen(inputs, told)
    return _output(inputs, article, told, asked_critic)


def _first(inputs: Inputs, idea: Idea) -> ArticleContent:
    """Return the text as the writer gave it, or as an earlier run has kept it."""
    if kept := inputs.outputs.get(revising.TEXT):
        return ArticleContent.stored(kept)
    try:
        return article_in(_written(inputs, idea))
    except InvalidArticle as invalid:
        raise TransientError("content_invalid", str(invalid)) from invalid
    except Truncated as truncated:
        # Its missing sections cost less than all of it.
        if begun := cut.begun_in(truncated.text):
            return begun
        raise


def _written(inputs: Inputs, idea: Idea) -> str:
    # A section that a cut answer lacks is written by a repair.
    kind = Kind.of("article", inputs.length, inputs.language, rest=settings.OPENAI_REPAIR_MAX_TOKENS)
    return openai.complete(
        prompts.article({**_facts(inputs), "idea": revising.plan_of(idea)}),
        kind=kind,
        schema_name="blog_article",
        schema=json_schema(ArticleContent),
        max_tokens=output_max(kind, settings.OPENAI_ARTICLE_MAX_TOKENS[inputs.length], inputs.attempt),
        seconds=inputs.seconds,
    )


def _facts(inputs: Inputs) -> dict[str, Any]:
    # The outline says how many sections there are.
    return {name: told for name, told in prompt_data(inputs, text_max=_TEXT_MAX).items() if name != "sections"}


def _keep_text(inputs: Inputs, article: ArticleContent) -> None:
    if not inputs.outputs.get(revising.TEXT):
        inputs.keep(revising.TEXT, article.model_dump())


def _judged(inputs: Inputs, idea: Idea, article: ArticleContent) -> Verdict:
    """Ask the gate. Raises InvalidArticle for a text of which no draft can be made: an error that stands in no place is one."""
    products = inputs.of(Stage.PRODUCTS)["products"]
    verdict = judged(article, idea=idea, request=asked(inputs), products=products, profile=inputs.profile)
    if any(not found.place for found in verdict.errors):
        raise InvalidArticle([str(found) for found in verdict.errors])
    return verdict


def _refuse_if_misshapen(inputs: Inputs, told: Sequence[Finding]) -> None:
    """Refuse an article with a part that Wix would not take, and forget what was kept of it: the next try is another."""
    if misshapen := _misshapen(told):
        for name in (revising.TEXT, revising.CRITIC, revising.REPAIR):
            inputs.keep(name, {})
        invalid = InvalidArticle(misshapen)
        raise TransientError("content_invalid", str(invalid)) from invalid


def _misshapen(findings: Sequence[Finding]) -> list[str]:
    return [str(found) for found in findings if reporting.is_left(found) and found.check.startswith(MISSHAPEN)]


def _mended(
    inputs: Inputs, idea: Idea, verdict: Verdict, criticism: Sequence[Finding]
) -> tuple[ArticleContent, list[Finding]]:
    """Have what failed written once more; return the better of the two articles, and all that was found."""
    errors = [*verdict.errors, *criticism]
    failed = repair.failing(errors, verdict.article, idea)
    # What an earlier run was given decides: a release with other checks may find other parts at fault.
    kept = inputs.outputs.get(revising.REPAIR)
    try:
        if "blocks" in kept if kept else failed.whole:
            again, done = _again(inputs, idea, errors), reporting.WRITTEN_AGAIN
        else:
            facts = _facts(inputs)
            again, done = revising.repaired(inputs, verdict.article, failed, idea, facts), reporting.REPAIRED
        second = _judged(inputs, idea, again)
    except (NotRepaired, InvalidArticle):
        return verdict.article, [*errors, *verdict.warnings]
    left = [*second.errors, *critic.still_standing(list(criticism), second.article)]
    if len(left) > len(errors) or (_misshapen(left) and not _misshapen(errors)):
        return verdict.article, [*errors, *verdict.warnings]
    known = {(found.check, found.quote) for found in left}
    mended = [replace(found, done=done) for found in errors if (found.check, found.quote) not in known]
    return second.article, [*left, *mended, *second.warnings]


def _again(inputs: Inputs, idea: Idea, errors: Sequence[Finding]) -> ArticleContent:
    """Have all of it written again, with the reasons. Raises NotRepaired and InvalidArticle."""
    if kept := inputs.outputs.get(revising.REPAIR):
        return ArticleContent.stored(kept)
    because = "; ".join(str(found) for found in errors[:6])
    try:
        again = article_in(_written(replace(inputs, refused=because), idea))
    except (PermanentError, Truncated) as error:
        raise NotRepaired(error.message) from error
    except TransientError as error:
        raise NotRepaired(revising.or_again(inputs, error)) from error
    inputs.keep(revising.REPAIR, again.model_dump())
    return again


def _output(inputs: Inputs, article: ArticleContent, told: Sequence[Finding], asked_critic: str) -> dict[str, Any]:
    own = inputs.profile.quality_threshold
    threshold = settings.BLOG_QUALITY_THRESHOLD if own is None else own
    report = reporting.written(told, critic=asked_critic, threshold=threshold)
    if report["held"]:
        left = [str(found) for found in told if reporting.is_left(found)]
        because = "; ".join(left[:3]) or f"its score of {report['score']} is below {threshold}"
        inputs.warn(PermanentError(NEEDS_REVIEW, f"A person should read it before it is published: {because}."))
    for found in told:
        metrics.count(metrics.FINDINGS, reporting.label(found.check), found.level)
    # The tag that was asked for, however the model spells it.
    written = {**article.model_dump(), "language": inputs.language}
    return {**written, "prompt_version": prompts.version("article"), "quality": report}
