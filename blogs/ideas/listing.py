"""The bank as staff read it: a site's ideas and topics in five lists, each a page at a time, and searched by words.

Each list is read by its index, the newest first, and no further than 20,000 rows: more than a shop has. So a question that finds
nothing ends too. The blogs beside the rows are looked up one by one, by their keys: PostgreSQL would else read all blogs at once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

PAGE = 50
COUNTED = 10_000
_READ = 20_000
_WORDS_MAX = 6

# Which states the rows of each list can have.
LISTS: dict[str, tuple[str, ...]] = {
    "ideas": (),
    "used": (),
    "open": ("running", "queued", "scheduled"),
    "written": ("published", "draft"),
    "posts": ("published", "draft"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """An idea or a topic. `since`: when an idea was asked for, a blog was, or a post was read. `number`: its place in its list."""

    number: int
    text: str
    language: str
    state: str
    since: datetime
    blog_id: int | None
    url: str


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the number before which older ones go on; 0 where there are none."""

    rows: list[Row]
    older: int


_BLOG = (
    "LEFT JOIN LATERAL (SELECT id, status, post_url FROM blog_generations WHERE id = t.generation_id LIMIT 1) g ON true"
)
_OF_BLOG = "CASE WHEN g.id IS NULL THEN 'removed with age' ELSE lower(g.status) END"
_TOPICS = f"""
SELECT * FROM (
    SELECT t.id, t.text, t.language, {{state}} AS state, {{since}} AS since, {{blog}} AS blog, {{url}} AS url, t.key
      FROM (SELECT * FROM blogs_topic WHERE site_id = %(site)s AND {{which}} AND id < %(before)s ORDER BY id DESC LIMIT {_READ}) t
           {{joins}}) AS found
 WHERE {{matching}} ORDER BY id DESC LIMIT {PAGE + 1}
"""
_OPEN_OF = f"""
(SELECT id, status, ready, source_id, language, started_at, scheduled_at, created_at FROM blog_generations
  WHERE site_id = %(site)s AND status = '{{}}' AND id < %(before)s ORDER BY id DESC LIMIT {_READ})
"""
_RUNNING, _WAITING = _OPEN_OF.format("PROCESSING"), _OPEN_OF.format("PENDING")
# What has no title yet is called by its product or collection, or by what was asked for.
_OPEN = f"""
SELECT * FROM (
    SELECT g.id, coalesce(t.text, nullif(w.subject, ''), g.source_id) AS text, coalesce(t.language, g.language) AS language,
           CASE WHEN g.status = 'PROCESSING' THEN 'running'
                WHEN NOT g.ready AND g.started_at IS NULL AND g.scheduled_at IS NOT NULL THEN 'scheduled'
                ELSE 'queued' END AS state,
           g.created_at AS since, g.id AS blog, '' AS url, coalesce(t.key, '') AS key
      FROM ({_RUNNING} UNION ALL {_WAITING}) AS g
           LEFT JOIN LATERAL (SELECT text, language, key FROM blogs_topic
                               WHERE generation_id = g.id AND kind = 'title' LIMIT 1) t ON true
           LEFT JOIN LATERAL (SELECT subject FROM blogs_blogwords WHERE generation_id = g.id LIMIT 1) w ON true) AS found
 WHERE {{matching}} ORDER BY id DESC LIMIT {PAGE + 1}
"""
_PUBLISHED = "CASE WHEN {} THEN 'published' ELSE 'draft' END"
_WAS_PUBLISHED = _PUBLISHED.format("g.post_url <> ''")
_STATEMENTS = {
    "ideas": _TOPICS.format(
        state="''",
        since="t.offered_at",
        blog="NULL::bigint",
        url="''",
        which="kind = 'idea'",
        joins="",
        matching="{matching}",
    ),
    "used": _TOPICS.format(
        state=_OF_BLOG,
        since="t.offered_at",
        blog="g.id",
        url="''",
        which="offered_at IS NOT NULL AND kind <> 'idea'",
        joins=_BLOG,
        matching="{matching}",
    ),
    "open": _OPEN,
    # The titles of blogs that were removed with age stay: those were written.
    "written": _TOPICS.format(
        state=f"CASE WHEN g.id IS NULL THEN 'written' ELSE {_WAS_PUBLISHED} END",
        since="t.created_at",
        blog="g.id",
        url="g.post_url",
        which="kind = 'title'",
        joins=f"{_BLOG} WHERE g.id IS NULL OR g.status = 'DONE'",
        matching="{matching}",
    ),
    "posts": _TOPICS.format(
        state=_PUBLISHED.format("t.published"),
        since="t.created_at",
        blog="NULL::bigint",
        url="t.url",
        which="kind = 'post'",
        joins="",
        matching="{matching}",
    ),
}


def page(site_id: int, name: str, *, words: str = "", state: str = "", before: int = 0) -> Page:
    """Read one page of a list: of one state if it is named, with all the words in any of their cases."""
    asked: dict[str, Any] = {"site": site_id, "before": before or 2**62, "state": state}
    conditions = ["state = %(state)s"] if state else []
    for number, word in enumerate(words.split()[:_WORDS_MAX]):
        conditions.append(f"(text ILIKE %(word{number})s OR key LIKE %(folded{number})s)")
        asked |= {f"word{number}": f"%{_literal(word)}%", f"folded{number}": f"%{_literal(_folded(word))}%"}
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENTS[name].format(matching=" AND ".join(conditions) or "true"), asked)
        rows = [Row(*row[:-1]) for row in cursor.fetchall()]
    return Page(rows[:PAGE], rows[PAGE - 1].number if len(rows) > PAGE else 0)


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _folded(word: str) -> str:
    """Return it without case and accents, as keys have their words."""
    decomposed = unicodedata.normalize("NFD", word.casefold())
    return unicodedata.normalize("NFC", "".join(char for char in decomposed if unicodedata.category(char) != "Mn"))


_COUNT = f"(SELECT count(*) FROM (SELECT 1 FROM {{}} ORDER BY id DESC LIMIT {COUNTED + 1}) AS found)"
_COUNTS = "SELECT " + ", ".join(
    _COUNT.format(f"{table} WHERE site_id = %(site)s AND {which}")
    for table, which in (
        ("blogs_topic", "kind = 'idea'"),
        ("blogs_topic", "offered_at IS NOT NULL AND kind <> 'idea'"),
        ("blogs_topic", "kind = 'post'"),
    )
)


def counts(site_id: int) -> dict[str, int]:
    """Count unused ideas, used ones and posts, each no further than 10,000."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"site": site_id})
        found: Sequence[int] = cursor.fetchone()
    return dict(zip(("ideas", "used", "posts"), found, strict=True))
