"""What tests of orders share: a DONE blog with a real draft at the sandbox, what its shop does there, and workers."""

from __future__ import annotations

from typing import Any

from django.db import connection

from blogs.audit import Actor
from blogs.batches import moves
from blogs.batches.moves import MOVES
from blogs.models import BlogGeneration, PostOrder
from blogs.post_orders import asking, working
from tests.support import factories
from tests.support.blogs.pipeline import attempt_one
from wix.client import http
from wix.models import Site

ADA = Actor("ada", 1, "192.0.2.7")


def finished(shop: Site, **fields: Any) -> BlogGeneration:
    """Make a blog and run it to its end."""
    factories.pending_generation(shop, **fields)
    return attempt_one()


def move(name: str, blog: BlogGeneration) -> str:
    return moves.carry_out(MOVES[name], blog.pk, by=ADA, reason="ticket 7", options={})


def ask_to_look(blog: BlogGeneration) -> None:
    assert asking.look(blog, name="ada")


def work(times: int = 1) -> None:
    """Let a worker carry out what is due, and what was put off, this many times."""
    for _ in range(times):
        PostOrder.objects.filter(ended_at=None).update(due_at="2026-01-01T00:00Z")
        working.work_off_looks()
        working.work_off_changes()


def last_order(blog: BlogGeneration) -> PostOrder:
    return PostOrder.objects.filter(generation=blog).latest("id")


def age_the_orders_create(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blogs_postorder SET create_started_at = create_started_at - %s * interval '1 second'", [seconds]
        )


class Shop:
    """What a shop does to its post at Wix, past the product."""

    def __init__(self, blog: BlogGeneration) -> None:
        self._instance_id, self._path = str(blog.site.instance_id), f"/blog/v3/draft-posts/{blog.draft_post_id}"
        self._id = str(blog.draft_post_id)

    def delete(self) -> None:
        self._call("DELETE", self._path, "draft_delete")

    def publish(self) -> None:
        self._call("POST", f"{self._path}/publish", "draft_publish", body={})

    def unpublish(self) -> None:
        self._update("UPDATE_REVERT_TO_DRAFT")

    def edit(self, **changes: Any) -> None:
        self._update("UPDATE", **changes)

    def text(self) -> dict[str, Any]:
        params = {"fieldsets": "RICH_CONTENT"}
        found = http.request(self._instance_id, "GET", self._path, operation="draft_get", seconds=5, params=params)
        content: dict[str, Any] = found["draftPost"]["richContent"]
        return content

    def _update(self, action: str, **changes: Any) -> None:
        self._call(
            "PATCH", self._path, "draft_update", body={"draftPost": {"id": self._id, **changes}, "action": action}
        )

    def _call(self, method: str, path: str, operation: str, **more: Any) -> None:
        http.request(self._instance_id, method, path, operation=operation, seconds=5, **more)
