"""What a blog's page shows besides its row. The number of queries does not depend on the length of its history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce, JSONObject

from blogs.batches.moves import MOVES, Move
from blogs.desk.base import span
from blogs.desk.blogs import attempts, preview, sentence
from blogs.desk.find.blogs import called_by
from blogs.desk.masking import masked
from blogs.desk.search import as_id
from blogs.ideas import bank
from blogs.ideas.keys import of_language
from blogs.models import Article, BlogGeneration, Promise, SiteLine, Status, Topic
from blogs.queue import forecast
from credits.models import Credit
from workers.limits import costs
from workers.models import ProviderCall

CALLS_SHOWN = 200
_NEAREST_SHOWN = 8
_SUMMED = ("prompt_tokens", "output_tokens", "tokens_reserved", "images")


def about(generation: BlogGeneration, *, with_ledger: bool, before: str = "") -> dict[str, Any]:
    """Read all of it. `before`: the event before which the timeline ends, from the address."""
    entries = list(Credit.objects.filter(generation=generation.pk).select_related("created_by").order_by("id"))
    outputs = list(generation.outputs.order_by("id").values("stage", "output", "created_at"))
    article: Article | None = getattr(generation, "article", None)
    timeline = attempts.timeline(generation, before=as_id(before))
    money = {entry.kind: entry.amount for entry in entries}
    # Unless newer or older events are left out, they tell why, too.
    told = None if before or timeline.older_than else sentence.Facts(money, timeline.events[::-1])
    called = called_by(generation, outputs)
    by_stage = {output["stage"]: output["output"] for output in outputs}
    return {
        "timeline": timeline,
        "outputs": [{**output, "pretty": _pretty(output["output"])} for output in outputs],
        "preview": preview.preview(generation, article, by_stage) if article else None,
        **_calls(generation),
        "entries": entries if with_ledger else None,
        "refundable": Credit.Kind.CAPTURE in money and Credit.Kind.REFUND not in money,
        # The addresses come from Wix: only a web page may become a link here.
        "draft_url": preview.web_page(generation.draft_post_url),
        "post_url": preview.web_page(generation.post_url),
        "answer": sentence.answer(generation, told),
        "promised": _promised(generation),
        "called": called,
        "nearest": _nearest(generation, called),
    }


def _calls(generation: BlogGeneration) -> dict[str, Any]:
    """List the last paid calls made for it, and sum up all of them."""
    calls, cost_of = ProviderCall.objects.filter(work=generation.pk), costs.of_work(generation.pk)
    newest = list(calls.order_by("-id")[: CALLS_SHOWN + 1])
    if len(newest) > CALLS_SHOWN:
        sums = {name: Coalesce(Sum(name), 0) for name in _SUMMED}
        usage = calls.aggregate(count=Count("id"), seconds=Coalesce(Sum("seconds"), 0.0), **sums)
    else:
        usage = {name: sum(getattr(call, name) or 0 for call in newest) for name in (*_SUMMED, "seconds")}
        usage["count"] = len(newest)
    return {
        "calls": [(call, cost_of.get(call.pk)) for call in newest[:CALLS_SHOWN][::-1]],
        "cost": costs.total_of(cost_of.values()),
        "calls_shown": CALLS_SHOWN,
        "usage": usage,
    }


def _promised(generation: BlogGeneration) -> str:
    """Say what the shop was told when it asked, and what came of it; "" where no time was named."""
    promise: Promise | None = getattr(generation, "promise", None)
    if promise is None:
        return ""
    began = f", began {_clock(generation.started_at)}" if generation.started_at else ""
    ended = f", ended {_clock(generation.finished_at)}" if generation.finished_at else ""
    start = f"Promised to begin {_clock(promise.start_early)} to {_clock(promise.start_late)}{began}"
    return f"{start}; to end {_clock(promise.end_early)} to {_clock(promise.end_late)}{ended} (UTC)."


def _clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%d %b %H:%M:%S")


@dataclass(frozen=True, slots=True)
class Nearest:
    """The topics that came before a blog's and are nearest to it, in the order in which `onDuplicate` looks at them.

    `is_title`: the `text` that was looked up is the blog's planned title, else what it was asked for.
    """

    text: str
    is_title: bool
    found: list[tuple[bank.Near, str]]
    """Each with the address of its post, where that is a web page."""
    same_from: float = bank.SAME


def own_topic() -> Subquery:
    """Select the number, the words and the language of a blog's planned title; None where it has none."""
    told = JSONObject(id="id", text="text", language="language")
    return Subquery(Topic.objects.filter(generation_id=OuterRef("pk"), kind=Topic.Kind.TITLE).values(told=told)[:1])


def _nearest(blog: BlogGeneration, called: str) -> Nearest:
    """Look up what the bank knew when the title was planned; where none was, what it knows now.

    Blogs that failed or were cancelled since then count no more.
    """
    own = getattr(blog, "own_topic", None)
    language = own["language"] if own else of_language(blog.language or blog.site.language)
    # Words of a request are compared with those of other requests too.
    kinds = bank.WRITTEN if own else (*bank.WRITTEN, Topic.Kind.ASKED)
    text = own["text"] if own else called
    before = {"before": own["id"]} if own else {}
    near = bank.near(blog.site_id, text, language, beside=blog.pk, kinds=kinds, at_most=_NEAREST_SHOWN, **before)
    return Nearest(text, own is not None, [(each, preview.web_page(each.url)) for each in near])


def place_in_line(generation: BlogGeneration) -> str:
    """Say in a sentence where the blog stands in its site's line; "" if it is in no line."""
    if not generation.ready:
        return ""
    if SiteLine.objects.filter(pk=generation.site_id, paused=True).exists():
        return "Its site's line is paused: nothing of it starts until somebody resumes it."
    place = forecast.queue_position(generation)
    if not place:
        return "It is starting."
    return f"Place {place:,} of the whole queue: starts in about {span(forecast.seconds_for(place))}."


def moves(generation: BlogGeneration, user: Any, *, refundable: bool = True) -> list[Move]:
    """List the moves that make sense for this blog and that the user may make."""
    possible = [move for move in MOVES.values() if refundable or move.name != "refund"]
    return [move for move in possible if user.has_perm(move.permission) and _makes_sense(move, generation)]


def _makes_sense(move: Move, generation: BlogGeneration) -> bool:
    if generation.status not in move.statuses:
        return False
    match move.name:
        case "cancel":
            asked = generation.status == Status.PROCESSING and generation.cancel_requested_at
            return not generation.draft_post_id and not asked
        case "put_first":
            return generation.ready or generation.started_at is not None
        case "repair" | "rewrite":
            return generation.needs_review
        case "reschedule":
            return generation.started_at is None
    return True


def _pretty(output: Any) -> str:
    return json.dumps(masked(output), indent=2, ensure_ascii=False)
