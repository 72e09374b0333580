"""Another text for a DONE blog whose article is held: repaired, or written from the start, and then given to its draft at Wix.

What was paid for is kept until the draft has it, so that an order which is tried again asks for no article twice. Wix takes the
same text twice without harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from blogs.article import critic
from blogs.article.schema import ArticleContent
from blogs.models import Article, BlogGeneration, PostOrder, Stage, StageOutput
from blogs.stages import article, revising
from blogs.stages.draft_post import compose
from blogs.stages.inputs import Inputs
from blogs.stages.marker import marker_of
from wix.posts import drafts
from workers.database.connections import released_afterwards
from workers.errors import PermanentError

# Under this name the new text is kept beside the stages' outputs until the draft has it.
REVISION = "revision"
_OWN = (revising.TEXT, revising.CRITIC, revising.REPAIR)


def article_of(order: PostOrder, blog: BlogGeneration, inputs: Inputs) -> dict[str, Any]:
    """Return the article's stage's output with the new text, as an earlier try has kept it or as it is written now."""
    kept = inputs.outputs.get(REVISION, {})
    if kept.get("order") == order.pk and "output" in kept:
        return dict(kept["output"])
    stored = Article.objects.filter(pk=blog.pk).first()
    if stored is None or not {Stage.PRODUCTS, Stage.IDEA, Stage.MEDIA} <= inputs.outputs.keys():
        raise PermanentError("article_gone", "Too little of it is stored here to write it again.")
    known = _known(kept, order)
    if order.kind == PostOrder.Kind.REPAIR:
        # A critic who can't be had, or finds nothing this time, takes back nothing of what was found.
        found = critic.left_in(inputs.outputs.get(Stage.ARTICLE, {}).get("quality") or {})
        known = {
            revising.TEXT: ArticleContent.stored(stored.content).model_dump(),
            **({revising.CRITIC: found} if found else {}),
            **known,
        }
    others = {name: output for name, output in inputs.outputs.items() if name not in _OWN}
    output = article.run(replace(inputs, outputs={**others, **known}, keep=partial(_keep, order, blog)))
    _save(blog, {"order": order.pk, "output": output})
    return output


def new_text(inputs: Inputs) -> ArticleContent | None:
    """Return the text that an earlier try may have given to the draft already."""
    output = inputs.outputs.get(REVISION, {}).get("output")
    return ArticleContent.stored(output) if output else None


def at_wix(blog: BlogGeneration, inputs: Inputs, output: dict[str, Any]) -> None:
    """Give the draft the new text. Its author, cover, tags and categories stay."""
    assert inputs.draft_post_id
    known = replace(inputs, outputs={**inputs.outputs, Stage.ARTICLE: output})
    post = compose(known, ArticleContent.stored(output), marker_of(blog.pk))
    drafts.rewrite_draft(inputs.instance_id, inputs.draft_post_id, post, seconds=inputs.seconds)


def _known(kept: Mapping[str, Any], order: PostOrder) -> dict[str, Any]:
    return dict(kept.get("parts", {})) if kept.get("order") == order.pk else {}


def _keep(order: PostOrder, blog: BlogGeneration, name: str, output: dict[str, Any]) -> None:
    kept = StageOutput.objects.filter(generation=blog, stage=REVISION).values_list("output", flat=True).first() or {}
    _save(blog, {"order": order.pk, "parts": {**_known(kept, order), name: output}})


def _save(blog: BlogGeneration, output: dict[str, Any]) -> None:
    with released_afterwards():
        StageOutput.objects.update_or_create(generation=blog, stage=REVISION, defaults={"output": output})
