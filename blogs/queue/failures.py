"""Bounds what a shop may have us do for nothing: a blog that fails gives all its credits back, and its calls were paid for.

Counted are the blogs of a site that failed within a day by what the shop asked for or has at Wix, behind the first stage, which
costs nothing. What failed by us or by a provider is not counted. Nor is a shop refused that had as many blogs DONE meanwhile: it
has paid for them.
"""

from __future__ import annotations

from django.conf import settings
from django.db import connection

OF_THE_SHOP = (
    "article_too_large",
    "blog_not_installed",
    "content_invalid",
    "content_refused",
    "no_author",
    "wix_auth_lost",
    "wix_not_connected",
    "wix_rejected",
)
# No more of its newest are looked at, since an outage may have failed ten thousand.
_MOST = 1_000
_SINCE = "(statement_timestamp() - interval '1 day')"
_CODES = ", ".join(f"'{code}'" for code in OF_THE_SHOP)
_FAILED = f"status = 'FAILED' AND finished_at > {_SINCE} AND stage <> 'products' AND error_code IN ({_CODES})"
_DONE = f"""(
    SELECT count(*) FROM (
        SELECT finished_at FROM blog_generations WHERE site_id = {{site}} AND status = 'DONE' ORDER BY id DESC LIMIT {_MOST}
    ) AS newest WHERE finished_at > {_SINCE})"""
_COUNT = f"""(
    SELECT count(*) FROM (
        SELECT stage, error_code FROM blog_generations
         WHERE site_id = %(site_id)s AND status = 'FAILED' AND finished_at > {_SINCE} ORDER BY finished_at DESC LIMIT {_MOST}
    ) AS failed WHERE stage <> 'products' AND error_code IN ({_CODES}))"""

# Whether the next request of the site `site_id` is refused, where `failed_max` may fail. For few sites does what is DONE have to be
# counted too.
TOO_MANY = f"""
    %(failed_max)s::int > 0 AND {_COUNT} >= %(failed_max)s::int AND {_COUNT} > {_DONE.format(site="%(site_id)s")}
"""

_UNTIL = f"""
SELECT extract(epoch FROM finished_at - {_SINCE}) FROM blog_generations
 WHERE site_id = %(site_id)s AND {_FAILED} ORDER BY finished_at DESC OFFSET %(failed_max)s - 1 LIMIT 1
"""

# How many sites' next request would be refused, up to `most`; for other statements to embed.
REFUSED_SITES = f"""
SELECT count(*) FROM (
    SELECT site_id FROM blog_generations AS blog WHERE %(failed_max)s::int > 0 AND {_FAILED}
     GROUP BY site_id HAVING count(*) >= %(failed_max)s AND count(*) > {_DONE.format(site="blog.site_id")}
     LIMIT %(most)s) AS sites
"""


class TooManyFailures(Exception):
    """Too many of the site's blogs have failed within a day for it to get another now. `retry_after`: in how many seconds."""

    def __init__(self, failed: int, retry_after: int) -> None:
        super().__init__(f"{failed} blogs of this site have failed within a day.")
        self.retry_after = retry_after


def require_few(site_id: int) -> None:
    """Refuse a shop's wish to start a finished blog again as ENTER refuses its next request. Raises TooManyFailures."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {TOO_MANY}", {"site_id": site_id, "failed_max": settings.BLOG_FAILED_LIMIT_PER_SITE})
        if cursor.fetchone()[0]:
            raise too_many(site_id)


def too_many(site_id: int) -> TooManyFailures:
    """Say until when: the site gets another blog when the oldest of those that are one too many is a day old."""
    failed = settings.BLOG_FAILED_LIMIT_PER_SITE
    with connection.cursor() as cursor:
        cursor.execute(_UNTIL, {"site_id": site_id, "failed_max": failed})
        row = cursor.fetchone()
    return TooManyFailures(failed, max(1, round(float(row[0]))) if row else 1)
