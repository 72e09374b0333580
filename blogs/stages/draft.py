"""Stage: makes the draft post in the site's blog. Exactly one, eventually.

Wix has no idempotency key and a create takes 25 to 30 s, so a create may succeed without our hearing of it. Each draft
carries a marker, the id of its first node. A run that finds a create begun and no draft's id waits until that create must be
over, looks for a draft of this title with the marker, and only then creates. What still slips through (a stopped process
that wakes up in mid-create) is deleted ten minutes later by `blogs.sweep`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from blogs.article import ricos
from blogs.article.related import fitting
from blogs.article.schema import ArticleContent, Heading
from blogs.models import Stage
from blogs.stages.draft_post import compose, lighter, post_hosts
from blogs.stages.inputs import Inputs
from blogs.stages.marker import blog_of, marker_of
from wix.client.http import WixRefused
from wix.posts import author, drafts, labels
from wix.posts.drafts import Draft
from workers.context.deadline import remaining, within
from workers.errors import PermanentError, RateLimited, TransientError, WorkError

# Our clock and Wix's may differ by this much.
CLOCKS = timedelta(minutes=5)
# The draft exists by then; a look at it is worth no more time than this.
_READ_BACK_SECONDS = 10.0
# The share of the stage's time for tags and categories together: 22 of 90 s.
_LABELS_SHARE = 1 / 4


def run(inputs: Inputs) -> dict[str, Any]:
    """Return the draft as Wix has it. Raises PermanentError `article_too_large`, `blog_not_installed` or `no_author`."""
    article = ArticleContent.stored(inputs.of(Stage.ARTICLE))
    made: dict[str, Any] = {}
    if inputs.draft_create_age is not None and (found := _made_before(inputs, article.title)):
        draft, made = found, {"found": True, "member_id": inputs.member_id or found.member_id}
        _compare(inputs, draft, _as_sent(inputs, article))
    else:
        made["related"] = _related(inputs, article)
        inputs = replace(inputs, outputs={**inputs.outputs, Stage.DRAFT: made})
        try:
            post = compose(inputs, article, marker_of(inputs.generation_id))
        except ricos.ArticleTooLarge as error:
            raise PermanentError(
                "article_too_large", "The article is larger than Wix takes; ask for a shorter one."
            ) from error
        post |= _labelled(inputs, article)
        draft, made["member_id"], post = _create(inputs, post)
        draft = _read_back(inputs, draft, post)
    return {"draft_post_id": draft.id, "draft_post_url": draft.url, "draft_post_slug": draft.slug, **made}


def _related(inputs: Inputs, article: ArticleContent) -> list[dict[str, str]]:
    """Choose the posts of the shop that the article leads to. What Wix published at another host was moved since."""
    posts = inputs.earlier_posts(article.title, article.language)
    hosts = post_hosts(inputs.site_url, [post.url for post in posts])
    own = [post for post in posts if ricos.leads_to(post.url, frozenset(hosts))]
    headings = [block.text for block in article.blocks if isinstance(block, Heading)]
    found = fitting(own, title=article.title, language=article.language, about=headings, profile=inputs.profile)
    return [{"title": post.title, "url": post.url} for post in found]


def marked_drafts(
    instance_id: str, title: str | None, generation_id: int, *, since_seconds: float, seconds: float
) -> list[Draft]:
    """Return this blog's drafts, oldest first, among those edited in the last `since_seconds`.

    `title` None: whatever it is. Then all of the site's drafts are read.
    """
    since = datetime.now(UTC) - timedelta(seconds=since_seconds) - CLOCKS
    if title is None:
        found = [each for page in drafts.edited_since(instance_id, since, seconds=seconds) for each in page]
    else:
        found = drafts.find_drafts(instance_id, title, since, seconds=seconds)
    return [draft for draft, rich_content in found if blog_of(rich_content) == generation_id]


def _made_before(inputs: Inputs, title: str) -> Draft | None:
    assert inputs.draft_create_age is not None
    too_early = settings.BLOG_DRAFT_LOOKUP_SECONDS - inputs.draft_create_age
    if too_early > 0:
        raise RateLimited("draft_unsure", "A create of the draft may still be under way at Wix.", retry_in=too_early)
    age, seconds = inputs.draft_create_age, inputs.seconds
    found = marked_drafts(inputs.instance_id, title, inputs.generation_id, since_seconds=age, seconds=seconds)
    return found[0] if found else None


# Categories come first: the shop asked for them.
_LABELS = (("categoryIds", labels.CATEGORIES), ("tagIds", labels.TAGS))


def _labels(inputs: Inputs, article: ArticleContent) -> Iterator[tuple[str, labels.Family, Sequence[str]]]:
    for (field, family), wanted in zip(_LABELS, (inputs.categories, article.tags), strict=True):
        if wanted:
            yield field, family, wanted


def _labelled(inputs: Inputs, article: ArticleContent) -> dict[str, Any]:
    """Return the ids of the post's categories and tags. Warns of those that can't be had in time: the create needs the rest."""
    post: dict[str, Any] = {}
    with within(inputs.seconds * _LABELS_SHARE):
        for field, family, wanted in _labels(inputs, article):
            found = labels.find_or_make(inputs.instance_id, family, wanted, seconds=inputs.seconds)
            if found.ids:
                post[field] = found.ids
            if found.lacking:
                missing = f"The post lacks {family.listed_as}: {found.lacking.message}"
                inputs.warn(PermanentError("labels_failed", missing))
    return post


def _create(inputs: Inputs, post: dict[str, Any]) -> tuple[Draft, str, dict[str, Any]]:
    """Create the draft; return it, its author, and the post as Wix took it.

    Parts that Wix refuses are left out, one after the other. A stored author who has left the site is replaced.
    """
    known = inputs.member_id
    while True:
        member_id = known or author.find_or_make(inputs.instance_id, seconds=inputs.seconds)
        _require_time(inputs)
        try:
            return _send(inputs, post, member_id), member_id, post
        except WixRefused as refused:
            if known and "member" in refused.message and "do not exist" in refused.message:
                known = None
            elif smaller := lighter(post, refused.message):
                inputs.warn(PermanentError("post_part_refused", f"The post lacks a part: {refused.message}"))
                _forget(
                    inputs, {field: set(post[field]) for field, _ in _LABELS if field in post.keys() - smaller.keys()}
                )
                post, known = smaller, member_id
            else:
                raise


def _require_time(inputs: Inputs) -> None:
    """Put the create off, once, if it might be cut off: that costs less, and next time labels and author are known."""
    if not inputs.resumed and remaining() < inputs.seconds:
        raise RateLimited("too_little_time", "There is too little time left to create the draft.", retry_in=1)


def _send(inputs: Inputs, draft_post: dict[str, Any], member_id: str) -> Draft:
    return drafts.create_draft(
        inputs.instance_id,
        {**draft_post, "memberId": member_id},
        seconds=inputs.seconds,
        before_sending=inputs.note_draft_create,
    )


def _read_back(inputs: Inputs, made: Draft, post: dict[str, Any]) -> Draft:
    """Read the draft and warn of what it lacks: Wix answers 200 and drops what it doesn't like. Reads may be a moment behind."""
    try:
        draft = drafts.read_draft(inputs.instance_id, made.id, seconds=min(_READ_BACK_SECONDS, inputs.seconds))
    except WorkError as error:
        inputs.warn(TransientError("not_read_back", f"The draft was made, and could not be looked at: {error.message}"))
        return made
    _compare(inputs, draft, post)
    return draft


def _as_sent(inputs: Inputs, article: ArticleContent) -> dict[str, Any]:
    """Return the parts that can be compared of a post that an earlier attempt sent."""
    known = (
        (field, labels.known(inputs.instance_id, family, wanted)) for field, family, wanted in _labels(inputs, article)
    )
    return {**dict(known), **({"media": {}} if inputs.of(Stage.MEDIA).get("file_id") else {})}


def _compare(inputs: Inputs, draft: Draft, post: dict[str, Any]) -> None:
    if "media" in post and not draft.has_cover:
        inputs.warn(PermanentError("cover_dropped", "Wix made the draft and left its cover out."))
    kept = {"tagIds": draft.tag_ids, "categoryIds": draft.category_ids}
    if gone := {field: ids for field, _ in _LABELS if (ids := set(post.get(field, ())) - kept[field])}:
        _forget(inputs, gone)
        inputs.warn(PermanentError("labels_dropped", "Wix left out tags or categories that it knew before."))


def _forget(inputs: Inputs, gone: dict[str, set[str]]) -> None:
    """Forget these labels' ids: the next blog asks Wix for them again."""
    for field, family in _LABELS:
        if field in gone:
            labels.forget(inputs.instance_id, family, gone[field])
