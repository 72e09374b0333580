"""What Wix holds of a blog's post: whether it is there, published, and still the text that we sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from blogs.article.schema import ArticleContent
from blogs.models import Article
from blogs.stages.draft_post import compose
from blogs.stages.inputs import Inputs
from blogs.stages.marker import marker_of
from wix.posts import drafts
from workers.errors import PermanentError

# Below this share of its paragraphs a post is no longer the article that the shop paid for: it was edited away.
_STILL_OURS = 0.5
_ANSWERS = {"PUBLISHED": "published", "SCHEDULED": "scheduled"}


@dataclass(frozen=True, slots=True)
class Held:
    """An answer to "what does Wix hold now?", as the desk shows it and `PostOrder.held` stores it."""

    state: str
    """`deleted`, `draft`, `scheduled` or `published`."""
    content: str = ""
    """`same`, `edited`, `replaced` (little of the article is left) or `unknown`; empty where it is deleted."""
    kept: float | None = None
    """The share of the article's paragraphs that are still there word for word."""
    edited_at: str = ""
    published_at: str = ""
    draft_url: str = ""
    post_url: str = ""
    unpublished_changes: bool = False

    @property
    def stands(self) -> bool:
        """Say whether the article is at Wix, as a draft or a post."""
        return self.state != "deleted" and self.content != "replaced"

    def stored(self) -> dict[str, Any]:
        return asdict(self)


def look(inputs: Inputs, *, or_text: ArticleContent | None = None) -> Held:
    """Ask Wix for the blog's draft, and for its post where that is published. `or_text` counts as ours too."""
    assert inputs.draft_post_id
    found = drafts.read_held(inputs.instance_id, inputs.draft_post_id, seconds=inputs.seconds)
    if found is None:
        return Held("deleted")
    content, kept = _compared(_stored(inputs), inputs, found)
    if content != "same" and or_text and _compared(or_text, inputs, found)[0] == "same":
        content, kept = "same", 1.0
    published = drafts.read_post(inputs.instance_id, found.id, seconds=inputs.seconds) if found.is_published else None
    return Held(
        _ANSWERS.get(found.status, "draft"),
        content,
        kept,
        edited_at=_text(found.edited_at),
        published_at=_text(published.published_at if published else found.scheduled_for),
        draft_url=found.url,
        post_url=published.url if published else "",
        unpublished_changes=found.has_unpublished_changes,
    )


def _compared(text: ArticleContent | None, inputs: Inputs, found: drafts.HeldDraft) -> tuple[str, float | None]:
    ours = _sent(text, inputs)
    if ours is None:
        return "unknown", None
    title, wanted = ours
    theirs = list(paragraphs(found.rich_content))
    left = Counter(wanted) & Counter(theirs)
    kept = left.total() / len(wanted) if wanted else 1.0
    if kept == 1.0 and len(theirs) == len(wanted) and found.title == title:
        return "same", kept
    return ("edited" if kept >= _STILL_OURS else "replaced"), round(kept, 2)


def _stored(inputs: Inputs) -> ArticleContent | None:
    article = Article.objects.filter(pk=inputs.generation_id).first()
    try:
        return ArticleContent.stored(article.content) if article else None
    except KeyError:
        return None


def _sent(text: ArticleContent | None, inputs: Inputs) -> tuple[str, list[str]] | None:
    """Return title and paragraphs as they were sent. None: too little of the blog is stored to know (it was found at Wix)."""
    if text is None:
        return None
    try:
        post = compose(inputs, text, marker_of(inputs.generation_id))
    except (KeyError, PermanentError):
        return None
    return post["title"], list(paragraphs(post["richContent"]))


def paragraphs(rich_content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text of each node that holds some, in order, whatever shape Wix's answer has. Captions go with their pictures,
    which Wix may have refused."""
    for node in _nodes(rich_content):
        texts = [_words(child) for child in _nodes(node) if child.get("type") == "TEXT"]
        if texts and node.get("type") != "CAPTION":
            if text := " ".join("".join(texts).split()):
                yield text
        elif node.get("type") != "CAPTION":
            yield from paragraphs(node)


def _nodes(parent: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    nodes = parent.get("nodes")
    return [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []


def _words(node: Mapping[str, Any]) -> str:
    data = node.get("textData")
    return str(data.get("text", "")) if isinstance(data, dict) else ""


def _text(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""
