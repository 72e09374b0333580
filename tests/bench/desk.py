"""How long the desk's pages take at 1,000,000 blogs and 10,000,000 events, and how many queries: each page of `desk_tour`.

A member of staff who may do everything is signed in, and each page goes through the whole stack of middleware and templates. The
second time counts its queries; the median is of the next five. Another size, for a quick look: DESK_BLOGS=50000.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from tests.bench import desk_data
from tests.bench.desk_data import Size
from tests.support.blogs import desk_tour
from workers.limits import spending
from workers.models import Price

_BLOGS = int(os.environ.get("DESK_BLOGS", "1000000"))
_TIMES = 5


def measure() -> dict[str, Any]:
    known = desk_data.fill(Size.of(_BLOGS))
    for priced in (
        {"model": "writer", "provider": "openai", "input_per_million": 1, "output_per_million": 4},
        {"model": "painter", "provider": "replicate", "per_picture": "0.003"},
    ):
        Price.objects.create(**priced, valid_from=date(2020, 1, 1), reason="a benchmark", by="ada")
    spending.fold()  # as workers do each minute
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("ada"))
    addresses = {**desk_tour.pages(known), **desk_tour.pages_of_the_newest()}
    pages = {name: _page(client, name, url) for name, url in addresses.items()}
    slowest = max(pages, key=lambda name: pages[name]["median_ms"])
    return {
        "rows": {"blogs": _count("blog_generations"), "events": _count("blogs_generationevent")},
        "slowest": {slowest: pages[slowest]["median_ms"]},
        "most_queries": max(page["queries"] for page in pages.values()),
        "pages": pages,
        "health_sql_ms": _sql_ms(client, "/health"),
        "metrics_sql_ms": _sql_ms(client, "/metrics"),
        "sizes_mb": _sizes(),
    }


def _page(client: Client, name: str, url: str) -> dict[str, Any]:
    def open_it() -> None:
        answer = client.get(url)
        if answer.status_code not in (200, 302):
            raise SystemExit(f"{name}: {url} answered {answer.status_code}")

    sent = list[str]()

    def noted(execute: Any, sql: str, *args: Any) -> Any:
        sent.append(sql)
        return execute(sql, *args)

    # The first page of a session saves it, and the first of a process reads what it then remembers.
    open_it()
    with connection.execute_wrapper(noted):
        open_it()
    page = {"median_ms": _median_ms(open_it), "queries": len(sent)}
    print(f"{name}: {page['median_ms']} ms, {page['queries']} queries", flush=True)
    return page


def _median_ms(call: Callable[[], object]) -> float:
    took = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        call()
        took.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(took), 1)


def _sql_ms(client: Client, url: str) -> float:
    """Return the median of the time that all statements of a page take together."""
    took = list[float]()

    def timed(execute: Any, *args: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*args)
        finally:
            took[-1] += 1000 * (time.perf_counter() - began)

    with connection.execute_wrapper(timed):
        for _ in range(_TIMES + 1):
            took.append(0.0)
            client.get(url)
    return round(statistics.median(took[1:]), 1)


def _count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


_RELATIONS = ("blogs_blogwords", "blog_by_words", "blog_by_slug", "provider_call_by_request", "blog_generations")


def _sizes() -> dict[str, float]:
    """Return what the search's table and indexes take, beside the blogs themselves."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_relation_size(oid) / 1e6 FROM pg_class WHERE relname = ANY(%s)", [list(_RELATIONS)]
        )
        return {name: round(float(size), 1) for name, size in cursor.fetchall()}
