"""Fills the database as months of work would have, for the desk: sites, blogs and all that blogs leave behind, and what staff did.

Everything is made by set-based SQL. Secondary indexes, triggers and foreign keys are taken away first: to build an index over all
rows takes a fifth of the time of keeping it up to date row by row. By construction every row that is named exists.
One site (the whale) has a tenth of all blogs, and one of its blogs has 500 events.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from tests.bench import desk_statements as statements
from tests.bench.desk_words import BRANDS, SHOPS, TRADES, rows
from wix.catalog.words import of as lexemes_of

_LARGE = (
    "blog_generations",
    "blogs_generationevent",
    "blogs_stageoutput",
    "blogs_article",
    "blogs_blogwords",
    "workers_providercall",
    "credits_credit",
    "blogs_auditentry",
    "blogs_batchitem",
)


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows of each kind. The whale has a tenth of the blogs."""

    blogs: int
    events: int
    sites: int
    audit_entries: int
    # Calls are kept for some weeks: those of the newest blogs.
    blogs_with_calls: int
    batch_items: int

    @classmethod
    def of(cls, blogs: int) -> Size:
        """Give everything in the proportion that it has at 1,000,000 blogs."""
        return cls(blogs, blogs * 10, max(20, blogs // 500), blogs // 5, blogs * 3 // 10, blogs * 2 // 5)


@dataclass(frozen=True, slots=True)
class Known:
    """Rows that a benchmark opens."""

    whale: int
    ordinary_site: int
    long_history: int
    done: int
    failed: int
    batch: int
    whale_name: str
    draft_id: str
    post_url: str
    slug: str
    request_id: str
    key: str


def fill(size: Size, *, say: bool = True) -> Known:
    """Fill an empty, migrated database, and let PostgreSQL take its statistics."""
    began = time.monotonic()

    def told(what: str) -> None:
        if say:
            print(f"{time.monotonic() - began:.0f} s: {what}", flush=True)

    with transaction.atomic(), _bare_tables(told):
        _run(statements.SETTINGS)
        _write_vocabulary()
        for name, statement in statements.IN_ORDER.items():
            _run(statement, **_parameters(size))
            told(name)
    with connection.cursor() as cursor:
        # As autovacuum has done long since. A visibility map is what lets an index answer alone.
        cursor.execute("VACUUM ANALYZE")
    told("vacuumed")
    return known()


def known() -> Known:
    """Find the rows that a benchmark opens, in a database that is filled."""
    with connection.cursor() as cursor:
        cursor.execute(statements.KNOWN)
        return Known(*cursor.fetchone())


def _run(statement: str, **parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)


def _parameters(size: Size) -> dict[str, Any]:
    return {
        "blogs": size.blogs,
        "sites": size.sites,
        "audit_entries": size.audit_entries,
        "blogs_with_calls": size.blogs_with_calls,
        "batch_items": size.batch_items,
        # Each blog has ten events; what is missing to the wished number goes to the newest.
        "events": size.events,
        "shops": SHOPS.split("|"),
        "trades": TRADES.split("|"),
        "brands": BRANDS.split("|"),
    }


def _write_vocabulary() -> None:
    found = [
        {"language": language, "part": part, "n": n, "words": words, "lexemes": lexemes_of(words, short=True)}
        for language, part, n, words in rows()
    ]
    _run(statements.VOCABULARY, rows=json.dumps(found))


@contextmanager
def _bare_tables(told: Callable[[str], None]) -> Iterator[None]:
    """Take indexes that are no constraint's away, and let no trigger fire, until the rows are there."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statements.INDEXES, {"tables": list(_LARGE)})
        found = cursor.fetchall()
        for name, _ in found:
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
    yield
    with connection.cursor() as cursor:
        for _, definition in found:
            cursor.execute(definition)
    told("indexed")
