"""What tests of a restore share: a database that has become a copy, and what the original has left at Wix meanwhile."""

from __future__ import annotations

from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from blogs.article import ricos
from blogs.models import BlogGeneration
from tests.sandbox import Sandbox
from wix.client import http
from wix.models import Site
from workers.database import installation
from workers.models import Installation


def as_a_copy() -> None:
    """Let the row be what a copy carries along: it names another table."""
    _renewed()
    Installation.objects.update(table=1)


def as_promoted(seconds_ago: float = 20) -> None:
    """Let the server have been promoted since workers last worked here, `seconds_ago`."""
    _renewed()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE workers_installation"
            " SET timeline = timeline - 1, renewed_at = clock_timestamp() - %s * interval '1 second'",
            [seconds_ago],
        )


def _renewed() -> None:
    found = installation.look()
    if found.before is None:
        installation.renew(found)


def after_restore(*options: str) -> str:
    said = StringIO()
    call_command("after_restore", *options, stdout=said)
    return said.getvalue()


def restore() -> None:
    """Restore a backup, settle it, and let the time pass in which creates of the original may still be under way."""
    as_a_copy()
    after_restore("--original-is-stopped")
    end_waiting()


def end_waiting() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE blogs_draftsearch SET not_before = clock_timestamp()")


def made_by_the_original(
    sandbox: Sandbox, shop: Site, blog: BlogGeneration | int, *, title: str = "Another title", key: str | None = None
) -> str:
    """Make the draft that this blog got in the lost time, and return its id. Its article was another one."""
    number = blog if isinstance(blog, int) else blog.pk
    marker = ricos.marker_for(number, settings.SECRET_KEY if key is None else key)
    return draft_at_wix(shop, title, marker)


def draft_at_wix(shop: Site, title: str, node_id: str) -> str:
    member = _member(shop)
    text = {"type": "TEXT", "id": "", "nodes": [], "textData": {"text": title, "decorations": []}}
    paragraph = {"type": "PARAGRAPH", "id": node_id, "nodes": [text], "paragraphData": {}}
    post = {"title": title, "memberId": member, "richContent": {"nodes": [paragraph], "metadata": {"version": 1}}}
    answer = _ask(shop, "POST", "/blog/v3/draft-posts", "draft_create", body={"draftPost": post})
    return str(answer["draftPost"]["id"])


def thrown_away(shop: Site, draft_id: str) -> None:
    """The owner moves the draft to the trash bin."""
    _ask(shop, "DELETE", f"/blog/v3/draft-posts/{draft_id}", "draft_delete")


def _member(shop: Site) -> str:
    from wix.posts import author

    return author.find_or_make(str(shop.instance_id), seconds=5)


def _ask(shop: Site, method: str, path: str, operation: str, **more: Any) -> dict[str, Any]:
    return http.request(str(shop.instance_id), method, path, operation=operation, seconds=5, **more)
