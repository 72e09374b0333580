"""The sentences that answer a ticket about a blog: where it is, since when, why, what became of its credits, and what helps."""

from __future__ import annotations

from django.utils import timezone

from blogs.desk.base import span
from blogs.desk.blogs import places
from blogs.models import BlogGeneration, Stage, Status
from blogs.queue import forecast
from credits.models import Credit

_STAGES = {
    Stage.PRODUCTS: "reading the shop's products",
    Stage.IDEA: "the idea",
    Stage.IMAGE_ORDER: "ordering the picture",
    Stage.ARTICLE: "the article",
    Stage.IMAGE: "the picture",
    Stage.MEDIA: "bringing the picture to Wix",
    Stage.DRAFT: "making the draft",
    Stage.PUBLISH: "publishing",
}
# What helps, by the code of the last error. Codes that are not here are for an engineer or an operator, as docs/desk.md says.
_HELPS = {
    "blog_not_installed": "The shop installs Wix Blog; then retry.",
    "no_author": "The shop adds a member to its site; then retry.",
    "source_not_found": "The shop asks again with a product or collection that it shows.",
    "content_refused": "The shop can ask for another topic.",
    "content_invalid": "The shop can ask for another topic.",
    "content_truncated": "The shop can ask for a shorter article.",
    "article_too_large": "The shop can ask for a shorter article.",
    "request_too_large": "The shop can ask with a shorter text.",
    "wix_auth_lost": "The shop opens the app's page once, or installs the app again; then retry.",
    "wix_not_connected": "The shop installs the app again; then retry.",
    "provider_down": "Retry it now that the service is back.",
    "timeout": "Retry it.",
    "provider_unavailable": "Retry it.",
    "wix_unavailable": "Retry it.",
    "rescued_too_often": "An engineer looks first; then retry.",
    "internal": "An engineer must look.",
}


def answer(blog: BlogGeneration) -> str:
    """Say in a few sentences what support tells the shop."""
    return " ".join(part for part in (_where(blog), _why(blog), _money(blog), _helps(blog)) if part)


def _where(blog: BlogGeneration) -> str:
    at = _STAGES[Stage(blog.stage)]
    match blog.status:
        case Status.DONE:
            done = "Published" if blog.post_url else "Done: the draft is at Wix"
            return f"{done}, {_ago(blog)}."
        case Status.FAILED:
            return f"Failed at {at}, {_ago(blog)}."
        case Status.CANCELLED:
            return f"Cancelled, {_ago(blog)}."
        case Status.PROCESSING:
            asked = " It was asked to stop, and will at its next checkpoint." if blog.cancel_requested_at else ""
            return f"A worker has it, at {at}.{asked}"
    return _waiting(blog)


def _waiting(blog: BlogGeneration) -> str:
    if waits := places.in_words(blog):
        return f"It waits: {waits}."
    if blog.ready:
        place = forecast.queue_position(blog)
        soon = span(forecast.seconds_for(place)) if place else ""
        return (
            f"It is in line, at place {place:,} of all; it starts in about {soon}."
            if place
            else "It is about to start."
        )
    assert blog.run_after
    ahead = (blog.run_after - timezone.now()).total_seconds()
    what = "starts, as its shop wished," if blog.scheduled_at and not blog.started_at else "goes on"
    return f"It {what} in {span(ahead)}." if ahead > 0 else f"It {what} within moments."


def _why(blog: BlogGeneration) -> str:
    return blog.error_message if blog.error_code and blog.status != Status.DONE else ""


def _money(blog: BlogGeneration) -> str:
    kinds = dict(Credit.objects.filter(generation_id=blog.pk).order_by("id").values_list("kind", "amount"))
    match blog.status:
        case Status.DONE if "refund" in kinds:
            return f"Its {kinds['refund']} credits were given back."
        case Status.DONE:
            return f"It has cost {kinds.get('capture', 0)} credits."
        case Status.FAILED | Status.CANCELLED:
            return "Its credits are back."
    return f"{kinds.get('hold', 0)} credits are held for it."


def _helps(blog: BlogGeneration) -> str:
    return _HELPS.get(blog.error_code, "") if blog.status == Status.FAILED else ""


def _ago(blog: BlogGeneration) -> str:
    assert blog.finished_at
    return f"{span((timezone.now() - blog.finished_at).total_seconds())} ago"
