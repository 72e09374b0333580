"""What PostgreSQL would do for a statement of ours: the nodes of its plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def plan_of(call: Callable[[], object], containing: str) -> list[dict[str, Any]]:
    """Return all nodes of the plan of the statement that `call` really sends and that contains this text."""
    with CaptureQueriesContext(connection) as sent:
        call()
    statements = [query["sql"].split(";\n")[-1] for query in sent if containing in query["sql"]]
    assert statements  # the last: before it, the session may have been made to plan it
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + statements[-1])
        answer = cursor.fetchone()[0]
    return list(nodes((json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]))


def plans_of(call: Callable[[], object]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return each SELECT that `call` really sends, with all nodes of its plan."""
    with CaptureQueriesContext(connection) as sent:
        call()
    statements = [query["sql"] for query in sent if query["sql"].lstrip().upper().startswith(("SELECT", "WITH"))]
    with connection.cursor() as cursor:
        return [(sql, _plan(cursor, sql)) for sql in statements]


def _plan(cursor: Any, sql: str) -> list[dict[str, Any]]:
    cursor.execute("EXPLAIN (FORMAT JSON) " + sql.replace("%", "%%"), ())
    answer = cursor.fetchone()[0]
    return list(nodes((json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]))


def indexes(plan: list[dict[str, Any]]) -> set[str]:
    return {node["Index Name"] for node in plan if "Index Name" in node}


def condition(plan: list[dict[str, Any]], index: str) -> str:
    """Return the condition by which the index is entered: empty where it is only read from end to end."""
    return " ".join(node.get("Index Cond", "") for node in plan if node.get("Index Name") == index)


def read_whole(plan: list[dict[str, Any]]) -> set[str]:
    return {node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"}
