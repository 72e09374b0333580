"""What each kind of order does at Wix. It asks first what Wix holds, so that nothing is done that is done already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from blogs import pipeline
from blogs.article.quality import reporting
from blogs.article.schema import ArticleContent
from blogs.models import BlogGeneration, GenerationEvent, PostOrder, Stage
from blogs.post_orders import holding, making, revising
from blogs.queue import fence
from blogs.stages import publish
from blogs.stages.inputs import Inputs
from workers.errors import PermanentError, WorkError

# Who publishes an article that was held has decided.
_REVIEWED: Mapping[str, Any] = {"needs_review": False}


@dataclass(frozen=True, slots=True)
class Done:
    """What an order has come to; `result` says it to a person. The rest is stored with it, in one transaction."""

    result: str
    code: str = ""
    """Why nothing was done, where nothing had to be."""
    held: dict[str, Any] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[Stage, dict[str, Any]] = field(default_factory=dict)
    forgets: Stage | None = None
    article: ArticleContent | None = None
    """The text that the blog has from now on, where it is another."""
    event: GenerationEvent.Kind | None = None
    warnings: list[WorkError] = field(default_factory=list)


def look(order: PostOrder, blog: BlogGeneration) -> Done:
    held = holding.look(_inputs(blog, Stage.PUBLISH, []))
    columns: dict[str, Any] = {"post_url": held.post_url} if held.post_url and held.post_url != blog.post_url else {}
    if held.state == "published" and blog.needs_review:
        # Its shop has decided, at Wix.
        event = GenerationEvent.Kind.PUBLISHED
        said = f"{_in_words(held)} Its article was held for a person; its shop has published it at Wix."
        return Done(said, held=held.stored(), columns={**columns, **_REVIEWED}, event=event)
    return Done(_in_words(held), held=held.stored(), columns=columns)


def _released(order: PostOrder, blog: BlogGeneration) -> str:
    """Say who has decided about an article that was held; "" for one that was not."""
    return f" Its article was held for a person, and is released by {order.by}." if blog.needs_review else ""


def publish_again(order: PostOrder, blog: BlogGeneration) -> Done:
    """Publish the draft as it is now, at the shop's time where that is yet to come. What is published already stays as it is."""
    warnings: list[WorkError] = []
    inputs = _inputs(blog, Stage.PUBLISH, warnings)
    held = holding.look(inputs)
    if held.state == "deleted":
        raise PermanentError("draft_gone", "Its draft is not at Wix any more. Make the draft again, then publish it.")
    if held.state == "published":
        besides = " It has changes of its shop's that are not published." if held.unpublished_changes else ""
        columns = {**_REVIEWED, **({"post_url": held.post_url} if held.post_url else {})}
        return Done(
            f"It was published already; nothing was sent.{besides}{_released(order, blog)}",
            held=held.stored(),
            columns=columns,
            event=GenerationEvent.Kind.PUBLISHED,
        )
    output = publish.run(inputs)
    url = output.get("post_url", "")
    said = f"Published: {url}" if not output.get("scheduled_for") else f"Wix publishes it at {output['scheduled_for']}."
    return Done(
        f"{said}{_released(order, blog)}",
        columns={**_REVIEWED, **({"post_url": url} if url else {})},
        outputs={Stage.PUBLISH: output},
        event=GenerationEvent.Kind.PUBLISHED,
        warnings=warnings,
    )


def make_draft_again(order: PostOrder, blog: BlogGeneration) -> Done:
    """Make another draft of the stored article, where the first is gone or no longer the article. It is not published."""
    warnings: list[WorkError] = []
    inputs = _inputs(blog, Stage.DRAFT, warnings)
    making.require_no_sweep(order, blog)
    held = holding.look(inputs)
    if held.stands:
        # The blog lacks nothing, so it gets no warning.
        refusal = f"{_in_words(held)} No second draft was made; the shop deletes this one first."
        return Done(refusal, code="draft_stands", held=held.stored())
    output = making.make(order, blog, inputs)
    columns = {name: output.get(name, "") for name in fence.POST_COLUMNS}
    return Done(
        f"Another draft was made, in place of {blog.draft_post_id}. It is not published.",
        columns=columns,
        outputs={Stage.DRAFT: output},
        forgets=Stage.PUBLISH,
        event=GenerationEvent.Kind.DRAFT_MADE,
        warnings=warnings,
    )


def repair(order: PostOrder, blog: BlogGeneration) -> Done:
    """Have what failed in the article written once more, and give the draft at Wix the new text. It is not published."""
    return _revised(order, blog, "The article was repaired.")


def rewrite(order: PostOrder, blog: BlogGeneration) -> Done:
    """Have the article written from the start, by the same outline, and give the draft at Wix the new text. It is not published."""
    return _revised(order, blog, "The article was written from the start.")


def _revised(order: PostOrder, blog: BlogGeneration, did: str) -> Done:
    if not blog.needs_review:
        return Done("Its article is not held any more; nothing was done.", code="not_held")
    warnings: list[WorkError] = []
    _require_untouched(blog)
    output = revising.article_of(order, blog, _inputs(blog, Stage.ARTICLE, warnings))
    # Writing takes minutes, in which its shop may have edited or published it.
    _require_untouched(blog)
    revising.at_wix(blog, _inputs(blog, Stage.DRAFT, warnings), output)
    is_held = reporting.is_held(output)
    left = " It is held still; its report says for what." if is_held else " Nothing holds it any more."
    return Done(
        f"{did}{left}",
        columns={"needs_review": is_held},
        outputs={Stage.ARTICLE: output},
        article=ArticleContent.stored(output),
        event=GenerationEvent.Kind.ARTICLE_REVISED,
        warnings=[warning for warning in warnings if warning.code == "needs_review"],
    )


def _require_untouched(blog: BlogGeneration) -> None:
    """Raise PermanentError unless the draft is unpublished and has our text: the old one, or the new one from an earlier try."""
    inputs = _inputs(blog, Stage.PUBLISH, [])
    held = holding.look(inputs, or_text=revising.new_text(inputs))
    if held.state != "draft":
        raise PermanentError("not_a_draft", f"{_in_words(held)} Only an unpublished draft gets another text.")
    if held.content in ("edited", "replaced"):
        raise PermanentError("draft_edited", "Its shop has edited the draft; another text would undo that.")


DO: dict[PostOrder.Kind, Callable[[PostOrder, BlogGeneration], Done]] = {
    PostOrder.Kind.LOOK: look,
    PostOrder.Kind.PUBLISH: publish_again,
    PostOrder.Kind.DRAFT: make_draft_again,
    PostOrder.Kind.REPAIR: repair,
    PostOrder.Kind.REWRITE: rewrite,
}


def _inputs(blog: BlogGeneration, stage: Stage, warnings: list[WorkError]) -> Inputs:
    seconds = settings.STAGE_DEADLINE_SECONDS[stage]
    return replace(pipeline.inputs_of(blog), seconds=seconds, warn=warnings.append)


def _in_words(held: holding.Held) -> str:
    place = {
        "deleted": "It is not at Wix any more.",
        "draft": "It stands at Wix as a draft.",
        "scheduled": f"Wix is to publish it at {held.published_at}.",
        "published": f"It is published since {held.published_at}.",
    }[held.state]
    text = {
        "same": "Its text is ours.",
        "edited": f"Its text was edited: {held.kept or 0:.0%} of its paragraphs are ours.",
        "replaced": f"Its text was replaced: {held.kept or 0:.0%} of its paragraphs are ours.",
    }.get(held.content, "")
    return f"{place} {text}".strip()
