"""How staff ask: an order is stored, once however many click, and a worker is woken."""

from __future__ import annotations

from functools import partial

from django.db import connection, transaction

from blogs.models import BlogGeneration, GenerationEvent, PostOrder, Status
from blogs.queue import history
from workers.database import wakeup

Kind = PostOrder.Kind
LOOKS, CHANGES, REVISIONS = "look_is_asked_for", "post_order_is_there", "revision_is_asked_for"
_REVISIONS = (Kind.REPAIR, Kind.REWRITE)

# How many looks one colleague may ask for within a minute.
LOOKS_A_MINUTE = 30

# A site's orders take turns with those of others: its next has a turn behind its last one, and behind what is carried out now. So a
# shop with one order does not wait behind a shop with thousands.
_ASK = """
INSERT INTO blogs_postorder (generation_id, site_id, kind, by, reason, turn)
SELECT %(blog)s, %(site)s, %(kind)s, %(by)s, %(reason)s,
       greatest((SELECT max(turn) FROM blogs_postorder WHERE site_id = %(site)s AND ended_at IS NULL),
                (SELECT min(turn) - 1 FROM blogs_postorder WHERE ended_at IS NULL), 0) + 1
ON CONFLICT (generation_id, kind) WHERE ended_at IS NULL DO NOTHING
"""


class NotPossible(Exception):
    """The blog allows no such order now; str() says why, for a person."""


def ask(blog_id: int, kind: Kind, *, by: str, name: str, reason: str) -> None:
    """Store the order and tell it in the blog's history. Raises NotPossible, also where it is asked for already."""
    with transaction.atomic():
        blog = _kept(blog_id)
        if blog.status != Status.DONE:
            raise NotPossible(f"it is {blog.status}; only DONE blogs have a post")
        if kind in _REVISIONS and not blog.needs_review:
            raise NotPossible("its article is not held for a person, so nothing is to be repaired")
        if blog.site.removed_at:
            raise NotPossible("its shop has removed the app, so Wix lets us change nothing there")
        if not _store(blog, kind, name, reason):
            raise NotPossible(f"{PostOrder.Kind(kind).label} is asked for already, and under way")
        history.record(blog, GenerationEvent.Kind.ORDERED, by=by, message=f"{PostOrder.Kind(kind).label}: {reason}")
    transaction.on_commit(partial(wakeup.notify, REVISIONS if kind in _REVISIONS else CHANGES))


def look(blog: BlogGeneration, *, name: str) -> bool:
    """Ask what Wix holds of this blog now; the answer comes within seconds. False: this colleague has asked too often."""
    lately = PostOrder.objects.filter(kind=Kind.LOOK, by=name)
    if lately.extra(where=["created_at > statement_timestamp() - interval '1 minute'"]).count() >= LOOKS_A_MINUTE:
        return False
    _store(blog, Kind.LOOK, name, "")
    transaction.on_commit(partial(wakeup.notify, LOOKS))
    return True


def _kept(blog_id: int) -> BlogGeneration:
    """Return a blog that nothing removes before this transaction is over. Raises BlogGeneration.DoesNotExist where it is gone.

    A stronger lock could wait for a worker that ends an order of the blog, and that worker for us.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM blog_generations WHERE id = %s FOR KEY SHARE", [blog_id])
    return BlogGeneration.objects.select_related("site").get(pk=blog_id)


def _store(blog: BlogGeneration, kind: Kind, name: str, reason: str) -> bool:
    about: dict[str, str | int] = {
        "blog": blog.pk,
        "site": blog.site_id,
        "kind": kind,
        "by": name[:150],
        "reason": reason[:300],
    }
    with connection.cursor() as cursor:
        cursor.execute(_ASK, about)
        return bool(cursor.rowcount)
