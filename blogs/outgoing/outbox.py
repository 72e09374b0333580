"""What is to be told, written where it happens: one row for each endpoint that wants it, in the transaction of the move itself.

The moves' statements (`queue/statements.py`, `queue/history.py`) take these parts in. So a message is stored if and only if its
event is, at no round trip more. A site without an endpoint costs one look into an index, and writes nothing.
"""

from __future__ import annotations

from django.db import connection

BLOG_QUEUED, BLOG_STARTED, BLOG_COMPLETED = "blog.queued", "blog.started", "blog.completed"
BLOG_FAILED, BLOG_CANCELLED = "blog.failed", "blog.cancelled"
BLOG_PUBLISHED, BLOG_PUBLISH_FAILED = "blog.published", "blog.publish_failed"
BLOG_NEEDS_REVIEW = "blog.needs_review"
CREDITS_LOW, SITE_DISCONNECTED, WEBHOOK_DISABLED = "credits.low", "site.disconnected", "webhook.disabled"
# What an endpoint may ask for.
TYPES = (
    BLOG_QUEUED,
    BLOG_STARTED,
    BLOG_COMPLETED,
    BLOG_FAILED,
    BLOG_CANCELLED,
    BLOG_PUBLISHED,
    BLOG_PUBLISH_FAILED,
    BLOG_NEEDS_REVIEW,
    CREDITS_LOW,
    SITE_DISCONNECTED,
    WEBHOOK_DISABLED,
)
# Sent to an endpoint on request, whatever it asked for.
TEST = "webhook.test"

_TELL = """
INSERT INTO blogs_webhookmessage (endpoint_id, type, generation_id, code, due_at)
SELECT endpoint.id, {type}, {blog}, {code}, statement_timestamp()
  FROM {happened} JOIN blogs_webhookendpoint endpoint
    ON endpoint.site_id = {site} AND endpoint.off_at IS NULL AND endpoint.events @> ARRAY[{type}]::varchar[]
"""


def telling(happened: str, *, type: str, site: str, blog: str = "NULL", code: str = "''") -> str:
    """Return the statement that stores a message for each row of `happened` and each endpoint that wants it; all are SQL."""
    return _TELL.format(happened=happened, type=type, site=site, blog=blog, code=code)


def tell(site_id: int, event_type: str, *, blog_id: int | None = None, code: str = "") -> None:
    """Store the messages of something that a statement of its own tells."""
    with connection.cursor() as cursor:
        cursor.execute(TELL_ONE, {"site": site_id, "type": event_type, "blog": blog_id, "code": code})


# Takes `site`, `type`, `blog` and `code`.
TELL_ONE = telling(
    "(SELECT %(site)s::bigint AS site, %(type)s::varchar AS type, %(blog)s::bigint AS blog, %(code)s::varchar AS code) AS it",
    type="it.type",
    site="it.site",
    blog="it.blog",
    code="it.code",
)
