"""What a blog's page shows besides its row. The number of queries does not depend on the length of its history."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from blogs.batches.moves import MOVES, Move
from blogs.desk.base import span
from blogs.desk.blogs import sentence
from blogs.models import Article, BlogGeneration, GenerationEvent, SiteLine, Stage
from blogs.queue import forecast
from credits.models import Credit
from workers.models import ProviderCall

EVENTS_SHOWN = CALLS_SHOWN = 200


def about(generation: BlogGeneration, *, with_ledger: bool) -> dict[str, Any]:
    entries = Credit.objects.filter(generation=generation.pk).select_related("created_by").order_by("id")
    outputs = list(generation.outputs.order_by("id").values("stage", "output", "created_at"))
    newest_events = list(generation.events.order_by("-id")[: EVENTS_SHOWN + 1])
    article = Article.objects.filter(pk=generation.pk).first()
    return {
        "events": _timeline(newest_events[:EVENTS_SHOWN]),
        "events_left_out": len(newest_events) > EVENTS_SHOWN,
        "events_shown": EVENTS_SHOWN,
        "outputs": [{**output, "pretty": _pretty(output["output"])} for output in outputs],
        "article": article,
        "blocks": _blocks(article, outputs) if article else [],
        **_calls(generation),
        "entries": entries if with_ledger else None,
        # The address comes from Wix: only a web page may become a link here.
        "draft_url": generation.draft_post_url if generation.draft_post_url.startswith("https://") else "",
        "answer": sentence.answer(generation),
        "place": place_in_line(generation),
    }


def _calls(generation: BlogGeneration) -> dict[str, Any]:
    """List the last paid calls made for it, and sum up all of them."""
    calls = ProviderCall.objects.filter(work=generation.pk)
    sums = {name: Coalesce(Sum(name), 0) for name in ("prompt_tokens", "output_tokens", "tokens_reserved", "images")}
    return {
        "calls": list(calls.order_by("-id")[:CALLS_SHOWN])[::-1],
        "calls_shown": CALLS_SHOWN,
        "usage": calls.aggregate(count=Count("id"), seconds=Coalesce(Sum("seconds"), 0.0), **sums),
    }


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


def moves(generation: BlogGeneration, user: Any) -> list[Move]:
    """List the moves that make sense for this blog and that the user may make."""
    return [move for move in MOVES.values() if user.has_perm(move.permission) and _makes_sense(move, generation)]


def _makes_sense(move: Move, generation: BlogGeneration) -> bool:
    if generation.status not in move.statuses:
        return False
    match move.name:
        case "cancel":
            return not generation.draft_post_id
        case "put_first":
            return generation.ready or generation.started_at is not None
        case "reschedule":
            return generation.started_at is None
    return True


def _timeline(newest_first: list[GenerationEvent]) -> list[dict[str, Any]]:
    """Order events from the oldest on, each with the time since the one before it."""
    events = newest_first[::-1]  # empty for rows that did not come through `submit`
    waits = [span((later.created_at - event.created_at).total_seconds()) for event, later in pairwise(events)]
    return [{"event": event, "wait": wait} for event, wait in zip(events, ["", *waits], strict=False)]


def _pretty(output: Any) -> str:
    return json.dumps(output, indent=2, ensure_ascii=False)


def _blocks(article: Article, outputs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the stored blocks with products' names for ids. They are not validated: older versions of the schema are shown too."""
    found = [output["output"] for output in outputs if output["stage"] == Stage.PRODUCTS]
    names = {product["id"]: product["name"] for output in found for product in output.get("products", [])}

    def named(block: dict[str, Any]) -> dict[str, Any]:
        return {**block, "product": names.get(block.get("product_id"), block.get("product_id"))}

    return [named(block) for block in article.content["blocks"]]
