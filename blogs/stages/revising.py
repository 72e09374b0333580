"""What may follow an article's first text: a critic who reads it, and one repair of the parts that failed.

Both are calls to OpenAI, with tokens of their own. What each has answered is kept (`Inputs.keep`), so that a run which comes
after a worker's death goes on behind it: no answer is paid for twice, and an article is repaired once. Neither costs a blog its
article: where the critic can't be had the gate stands alone, and where the repair can't be had a person decides.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from blogs.article import critic, prompts, repair
from blogs.article.critic import Criticism
from blogs.article.quality import Finding, Verdict
from blogs.article.quality.reporting import suspicions
from blogs.article.quality.subject import parts_of
from blogs.article.repair import Failing, Repair
from blogs.article.schema import ArticleContent, Idea, InvalidArticle, json_schema
from blogs.providers import openai
from blogs.providers.openai_answers import Truncated
from blogs.providers.token_reserve import Kind, output_max
from blogs.stages.inputs import Inputs
from workers.errors import PermanentError, RateLimited, TransientError, WorkError

# The names under which a part of the article's stage is kept, beside the stages' own outputs.
TEXT, CRITIC, REPAIR = "article_text", "critic", "repair"
# The code of a limit. Its place comes; all other codes say that the provider is not well.
_WAITS = "rate_limited"
ASKED, UNAVAILABLE = "asked", "unavailable"


def is_critic_wanted(inputs: Inputs, verdict: Verdict) -> bool:
    """Say whether a critic reads it: where it is to be published, where the gate is not sure, and where its answer is kept."""
    if inputs.outputs.get(CRITIC):
        return True
    match settings.OPENAI_CRITIC:
        case "always":
            return True
        case "suspicious":
            return inputs.publish or bool(suspicions(verdict.warnings))
    return False


def criticised(inputs: Inputs, verdict: Verdict, data: dict[str, Any]) -> tuple[list[Finding], str]:
    """Return what a critic finds, and whether one was asked or could not be had."""
    kept = inputs.outputs.get(CRITIC)
    if not kept:
        kept = _asked_of_critic(inputs, verdict, data)
        inputs.keep(CRITIC, kept)
    if why := kept.get("unavailable"):
        inputs.warn(PermanentError("critic_unavailable", f"The article was looked at by rules alone: {why}"))
        return [], UNAVAILABLE
    return critic.counted(Criticism.model_validate({"findings": kept["findings"]}), verdict.article), ASKED


def _asked_of_critic(inputs: Inputs, verdict: Verdict, data: dict[str, Any]) -> dict[str, Any]:
    """Ask. Raises RateLimited where it is only a matter of waiting, which costs no attempt."""
    kind = Kind.of("critic", inputs.length, inputs.language)
    asked = {
        **data,
        "suspicions": [str(found) for found in suspicions(verdict.warnings)],
        "article": _text_of(verdict.article),
    }
    try:
        text = openai.complete(
            prompts.critic(asked),
            kind=kind,
            schema_name="blog_critic",
            schema=json_schema(Criticism),
            max_tokens=output_max(kind, settings.OPENAI_CRITIC_MAX_TOKENS, inputs.attempt),
            seconds=min(settings.OPENAI_CRITIC_SECONDS, inputs.seconds),
        )
        found = critic.criticism_in(text)
    except InvalidArticle:
        return {"unavailable": "the critic's answer can't be used."}
    except (RateLimited, TransientError, PermanentError) as error:
        if error.code == _WAITS:
            raise
        return {"unavailable": error.message}
    return {**found.model_dump(), "prompt_version": prompts.version("critic")}


def _text_of(article: ArticleContent) -> dict[str, Any]:
    """Return what readers see of it: the critic needs no form, and pays for each token."""
    head = {part.kind: part.text for part in parts_of(article) if part.kind in ("title", "meta_description")}
    body = [part.text for part in parts_of(article) if part.section or part.place == repair.INTRODUCTION]
    return {**head, "text": body}


def repaired(
    inputs: Inputs, article: ArticleContent, failed: Failing, idea: Idea, data: dict[str, Any]
) -> ArticleContent:
    """Have the failing parts written again, and return the article with them. Raises NotRepaired."""
    kept = inputs.outputs.get(REPAIR)
    if not kept:
        kept = _asked_for_repair(inputs, article, failed, idea, data)
        inputs.keep(REPAIR, kept)
    if why := kept.get("unavailable"):
        raise NotRepaired(why)
    answer = Repair.model_validate({name: kept[name] for name in Repair.model_fields})
    return repair.repaired(article, answer, failed, idea)


class NotRepaired(Exception):
    """No repair can be had; str() says why."""


def _asked_for_repair(
    inputs: Inputs, article: ArticleContent, failed: Failing, idea: Idea, data: dict[str, Any]
) -> dict[str, Any]:
    kind = Kind.of("repair", inputs.length, inputs.language)
    asked = {**data, "idea": plan_of(idea), "parts": repair.described(failed, article, idea)}
    try:
        text = openai.complete(
            prompts.repair(asked),
            kind=kind,
            schema_name="blog_repair",
            schema=json_schema(Repair),
            max_tokens=_room(inputs, failed),
            seconds=inputs.seconds,
        )
        answer = repair.repair_in(text)
    except (InvalidArticle, Truncated, PermanentError) as error:
        return {"unavailable": str(error)}
    except TransientError as error:
        return {"unavailable": or_again(inputs, error)}
    return {**answer.model_dump(), "prompt_version": prompts.version("repair")}


def plan_of(idea: Idea) -> dict[str, Any]:
    """Return what the writer needs of the outline: the picture is no part of the text."""
    return {name: value for name, value in idea.model_dump().items() if not name.startswith("image_")}


def or_again(inputs: Inputs, error: WorkError) -> str:
    """Raise the error, so that another attempt asks again; on the last one return it in words."""
    if inputs.attempt < settings.BLOG_MAX_ATTEMPTS:
        raise error
    return error.message


def _room(inputs: Inputs, failed: Failing) -> int:
    """Return the output maximum: as much for each section, and never more than a whole article has."""
    for_all: int = settings.OPENAI_REPAIR_MAX_TOKENS * max(1, len(failed.sections))
    return min(for_all, settings.OPENAI_ARTICLE_MAX_TOKENS[inputs.length])
