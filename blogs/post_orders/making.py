"""Another draft for a DONE blog: exactly one, eventually, by the protocol of `stages/draft.py`.

Each draft carries the blog's marker, so a draft is looked for before one is made: it may be there from an earlier try of this
order, or from an order that a restored backup has forgotten. A create that may be under way is waited for. The drafts that the
blog had before are known by their ids, and never taken for the new one. What still slips through is deleted by the sweep
(`blogs/sweep.py`), which spares them too, and leaves a blog alone while an order makes its draft.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import F

from blogs.article.schema import ArticleContent
from blogs.models import Article, BlogGeneration, PostOrder, Stage
from blogs.restore import copies
from blogs.stages import draft
from blogs.stages.inputs import Inputs
from wix.posts.drafts import Draft
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.database.outage import outlasts_an_outage
from workers.errors import LeaseLost, PermanentError, RateLimited

_SWEEP_FIRST_SECONDS = 30.0


def require_no_sweep(order: PostOrder, blog: BlogGeneration) -> None:
    """Let no order begin beside a sweep of the blog's drafts, which would take the new one for one that no blog paid for.

    Raises RateLimited. Once a create has begun it is the sweep that waits.
    """
    if order.create_started_at is None and blog.draft_sweep_at:
        raise RateLimited("draft_unsure", "Its drafts are swept first.", retry_in=_SWEEP_FIRST_SECONDS)


def make(order: PostOrder, blog: BlogGeneration, inputs: Inputs) -> dict[str, Any]:
    """Return the stage's output: of a draft with this blog's marker that Wix has already, or of one that is made now."""
    article = Article.objects.filter(pk=blog.pk).first()
    if article is None or not {Stage.PRODUCTS, Stage.MEDIA} <= inputs.outputs.keys():
        raise PermanentError("article_gone", "Too little of it is stored here to make a draft of.")
    _require_that_no_create_is_under_way(order)
    if found := _found(blog, article, inputs):
        return {
            "draft_post_id": found.id,
            "draft_post_url": found.url,
            "draft_post_slug": found.slug,
            "found": True,
            "member_id": inputs.member_id or found.member_id,
        }
    # Whatever time it took to come here, the create has its own.
    afresh = replace(
        inputs,
        draft_post_id=None,
        draft_create_age=None,
        resumed=True,
        outputs={**inputs.outputs, Stage.ARTICLE: ArticleContent.stored(article.content).model_dump()},
        note_draft_create=partial(_note_create, order, blog),
    )
    return draft.run(afresh)


def _require_that_no_create_is_under_way(order: PostOrder) -> None:
    if order.create_started_at:
        began = PostOrder.objects.filter(pk=order.pk)
        age = began.values_list(ClockTimestamp() - F("create_started_at"), flat=True).get()
        if (too_early := settings.BLOG_DRAFT_LOOKUP_SECONDS - age.total_seconds()) > 0:
            raise RateLimited(
                "draft_unsure", "A create of the draft may still be under way at Wix.", retry_in=too_early
            )


def _found(blog: BlogGeneration, article: Article, inputs: Inputs) -> Draft | None:
    known = {str(blog.draft_post_id), *_earlier(blog.pk)}
    age = BlogGeneration.objects.filter(pk=blog.pk).values_list(ClockTimestamp() - F("created_at"), flat=True).get()
    marked = draft.marked_drafts(
        inputs.instance_id, article.title, blog.pk, since_seconds=age.total_seconds(), seconds=inputs.seconds
    )
    return next((each for each in marked if each.id not in known), None)


def _earlier(blog_id: int) -> set[str]:
    """Return the ids of the drafts that the blog had before."""
    had = PostOrder.objects.filter(generation=blog_id, old_draft_id__isnull=False)
    return {str(each) for each in had.values_list("old_draft_id", flat=True)}


@outlasts_an_outage
def _note_create(order: PostOrder, blog: BlogGeneration) -> None:
    """Store that a request which creates the draft is about to leave. With the second one the sweep looks for drafts later.

    Raises LeaseLost where the order is another worker's by now, and RateLimited where a sweep has become due.
    """
    copies.require_settled_for_a_draft()
    mine = PostOrder.objects.filter(pk=order.pk, ended_at=None, taken_until=order.taken_until)
    if order.create_started_at is None:
        unswept = mine.filter(generation__draft_sweep_at=None)
        if not unswept.update(create_started_at=ClockTimestamp(), old_draft_id=blog.draft_post_id):
            if mine.exists():
                raise RateLimited("draft_unsure", "Its drafts are swept first.", retry_in=_SWEEP_FIRST_SECONDS)
            raise LeaseLost(order.pk)
    elif not mine.update(create_started_at=ClockTimestamp()):
        raise LeaseLost(order.pk)
    else:
        sweep_at = seconds_from_now(settings.BLOG_DRAFT_SWEEP_SECONDS)
        BlogGeneration.objects.filter(pk=blog.pk).update(draft_sweep_at=sweep_at)
