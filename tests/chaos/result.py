"""What is left after a chaos run: counted from the rows and events in PostgreSQL, and from what the sandbox was sent."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tests.chaos.schedule import Size
from tests.support.world import World

_PICKUP_SECONDS = 30
_RECOVERY_SECONDS = 30
_TOLD_TO_COME_BACK = {"503 database_unavailable, Retry-After", "503 /health"}
# Written from outside, and not by a worker's thread that holds the blog's lease.
_FROM_OUTSIDE = (
    "submitted",
    "rescued",
    "handed_back",
    "requeued",
    "put_first",
    "rescheduled",
    "cancel_requested",
    "swept",
)
_ENDS_A_LEASE = ("rescued", "handed_back", "deferred", "retrying", "done", "failed", "cancelled")


def counts(world: World, size: Size) -> dict[str, Any]:
    from blogs.models import BlogGeneration, GenerationEvent, Stage, StageOutput, Status
    from blogs.operations import proof
    from credits.models import Credit

    drafts, stats = world.sandbox.drafts(), world.sandbox.stats()
    covers = sum("wixMedia" in draft["media"] for draft in drafts)
    # By its counter: of the requests themselves it remembers the last ones only.
    paid = stats["openai"]["byOperation"]["article"]
    ids = list(BlogGeneration.objects.values_list("pk", flat=True))
    of_blog = drafts_of_blogs(drafts, ids)
    captures = Counter(Credit.objects.filter(kind=Credit.Kind.CAPTURE).values_list("generation_id", flat=True))
    rescued = GenerationEvent.objects.filter(kind=GenerationEvent.Kind.RESCUED)
    return {
        "blogs": len(ids),
        "done": BlogGeneration.objects.filter(status=Status.DONE).count(),
        "lost": size.blogs - len(of_blog),
        "drafts": len(drafts),
        "articles_paid": paid,
        "captures": captures.total(),
        "swept_drafts": GenerationEvent.objects.filter(kind=GenerationEvent.Kind.SWEPT).count(),
        "duplicate_drafts": len(drafts) - len(ids),
        "orphan_imports": stats["wix"]["mediaImports"] - stats["wix"]["photoImports"] - covers,
        "photos": stats["wix"]["photos"],
        "photos_imported_twice": stats["wix"]["photoImports"] - stats["wix"]["photos"],
        "double_captures": sum(count - 1 for count in captures.values()),
        "ledger_ok": not proof.discrepancies(),
        "rescues": rescued.count(),
        "creates_looked_up": GenerationEvent.objects.filter(code="draft_unsure")
        .values("generation")
        .distinct()
        .count(),
        "creates_found": StageOutput.objects.filter(stage=Stage.DRAFT, output__found=True).count(),
        "written_without_lease": _written_without_lease(),
        "articles_interrupted": _interrupted_articles(),
        "rescued_s_max": max(map(_late, rescued.values_list("message", flat=True)), default=0.0),
        "pickup_s_max": round(_pickup_seconds(), 1),
        "violations": stats["violations"],
    }


def broken(counted: dict[str, Any], size: Size) -> list[str]:
    """The promises that were not kept, in words."""
    return [promise for promise, kept in _promises(counted, size).items() if not kept]


def _promises(counted: dict[str, Any], size: Size) -> dict[str, bool]:
    planned = {
        "sigkills": size.kills,
        "zombies": size.zombies,
        "database_kills": size.database_kills,
        "network_cuts": size.network_cuts,
    }
    wrong = ("lost", "duplicate_drafts", "double_captures", "written_without_lease", "violations")
    return {
        "all of the schedule happened": all(counted[key] == count for key, count in planned.items()),
        "every blog is DONE, with one draft and one capture": all(
            counted[key] == size.blogs for key in ("blogs", "done", "drafts", "captures")
        ),
        **{f"{key} is 0": not counted[key] for key in wrong},
        "the ledger is exact": counted["ledger_ok"],
        "orphans are picked up in time": counted["pickup_s_max"] <= _PICKUP_SECONDS,
        "callers are told to come back": set(counted["answers_while_database_away"]) <= _TOLD_TO_COME_BACK,
        "who lost its leases noticed, and works again": not size.takes_leases
        or (
            counted["leases_taken_from_the_living"] > 0
            and counted["leases_lost_noticed"] > 0
            and counted["recovery_s_max"] < _RECOVERY_SECONDS
        ),
        # A claim commits asynchronously: one that PostgreSQL took with it when it was killed has left no event.
        "what was saved is not paid for again": 0
        <= counted["articles_paid"] - size.blogs
        <= counted["articles_interrupted"] + counted["database_kills"] * size.threads,
        "a picture is imported once more for a worker that died, at most": size.database_kills > 0
        or counted["orphan_imports"] <= size.kills + size.zombies + size.network_cuts * size.threads,
        "creates were lost, and looked for": not size.lost_creates or counted["creates_found"] > 0,
        "nothing was paid for twice": size.pays_twice or counted["articles_paid"] == size.blogs,
    }


def drafts_of_blogs(drafts: list[dict[str, Any]], ids: list[int]) -> Counter[int]:
    from blogs.stages.marker import marker_of

    blog_of = {marker_of(pk): pk for pk in ids}
    nodes = (node.get("id") for draft in drafts for node in draft["richContent"]["nodes"])
    return Counter(blog_of[marker] for marker in nodes if marker in blog_of)


def _written_without_lease() -> int:
    """Events that a worker wrote to a blog which was not its own any more: what a zombie would do."""
    from blogs.models import GenerationEvent

    holder: dict[int, str] = {}
    wrong = 0
    events = GenerationEvent.objects.order_by("id").values_list("generation_id", "kind", "by")
    for generation_id, kind, worker in events.iterator():
        if kind == "started":
            holder[generation_id] = worker
        elif kind not in _FROM_OUTSIDE and holder.get(generation_id) != worker:
            wrong += 1
        if kind in _ENDS_A_LEASE:
            # A transaction may write another event after the one that ended it; no other can come in between.
            holder.pop(generation_id, None)
    return wrong


def _interrupted_articles() -> int:
    """How often a blog had to leave its seat in the middle of its article: then, and only then, is one paid for again."""
    from blogs.models import GenerationEvent, Stage

    left = (GenerationEvent.Kind.RESCUED, GenerationEvent.Kind.HANDED_BACK, GenerationEvent.Kind.RETRYING)
    return GenerationEvent.objects.filter(kind__in=left, stage=Stage.ARTICLE).count()


def _pickup_seconds() -> float:
    """The longest from a lease's end to the next start; `rescued_s_max` is the part of it until it stands in its line again."""
    from blogs.models import GenerationEvent

    longest, orphaned_at = 0.0, dict[int, float]()
    events = GenerationEvent.objects.filter(kind__in=("rescued", "started")).order_by("id")
    for blog, kind, message, at in events.values_list("generation_id", "kind", "message", "created_at").iterator():
        if kind == "rescued":
            orphaned_at[blog] = at.timestamp() - _late(message)
        elif blog in orphaned_at:
            longest = max(longest, at.timestamp() - orphaned_at.pop(blog))
    return longest


def _late(message: str) -> float:
    found = re.search(r"([\d.]+) s", message)
    assert found, message
    return float(found[1])
