"""Wix's query language, as far as products and posts are asked for with it, and its paging by cursor."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Iterable
from typing import Any

from tests.sandbox.wix_errors import invalid

Item = dict[str, Any]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda value, wanted: bool(value == wanted),
    "$ne": lambda value, wanted: bool(value != wanted),
    "$gt": lambda value, wanted: bool(value > wanted),
    "$gte": lambda value, wanted: bool(value >= wanted),
    "$lt": lambda value, wanted: bool(value < wanted),
    "$lte": lambda value, wanted: bool(value <= wanted),
    "$in": lambda value, wanted: value in wanted,
    "$hasSome": lambda value, wanted: value in wanted,
    "$startsWith": lambda value, wanted: str(value).startswith(wanted),
}


def matching(items: Iterable[Item], condition: dict[str, Any], filterable: Collection[str]) -> list[Item]:
    tests = [
        (name, operator, operand)
        for name, wanted in condition.items()
        for operator, operand in (wanted if isinstance(wanted, dict) else {"$eq": wanted}).items()
    ]
    for name, operator, _ in tests:
        if name not in filterable or operator not in _OPERATORS:
            raise invalid("query.filter", f"cannot filter by {name} {operator}", "UNSUPPORTED_FILTER")
    return [item for item in items if all(_passes(item.get(name), *test) for name, *test in tests)]


def _passes(value: Any, operator: str, operand: Any) -> bool:
    if isinstance(value, str) and type(operand) is int:
        operand = str(operand)
    return value is not None and _OPERATORS[operator](value, operand)


def in_order(items: list[Item], sort: list[dict[str, str]]) -> list[Item]:
    for rule in reversed(sort):
        name = rule["fieldName"]
        items = sorted(items, key=lambda item: item.get(name) or "", reverse=rule.get("order", "ASC") == "DESC")
    return items


def limit_of(paging: dict[str, Any], default: int = 50) -> int:
    limit = paging.get("limit", default)
    if not isinstance(limit, int) or not 0 < limit <= 100:
        raise invalid("query.paging.limit", "must be between 1 and 100", "MAX", threshold=100)
    return limit


def page(query: dict[str, Any], items: list[Item], filterable: Collection[str]) -> tuple[list[Item], dict[str, Any]]:
    """One page and its pagingMetadata. The cursor carries filter and sort: a next page must not repeat them."""
    paging = query.get("cursorPaging", {})
    limit, cursor = limit_of(paging), paging.get("cursor")
    if cursor and (query.get("filter") or query.get("sort")):
        raise invalid("query.cursorPaging.cursor", "cannot be combined with filter or sort", "INVALID_CURSOR")
    asked: dict[str, Any] = {"filter": query.get("filter") or {}, "sort": query.get("sort") or [], "from": 0}
    if cursor:
        asked = _open(cursor)
    found = in_order(matching(items, asked["filter"], filterable), asked["sort"])
    start = asked["from"]
    chosen, more = found[start : start + limit], len(found) > start + limit
    metadata: dict[str, Any] = {"count": len(chosen), "cursors": {}, "hasNext": more}
    if more:
        metadata["cursors"]["next"] = _seal(asked | {"from": start + limit})
    return chosen, metadata


def _seal(asked: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(asked).encode()).decode()


def _open(cursor: str) -> dict[str, Any]:
    try:
        asked = json.loads(base64.urlsafe_b64decode(cursor))
    except ValueError:
        raise invalid("query.cursorPaging.cursor", "is not valid", "INVALID_CURSOR") from None
    return {"filter": asked["filter"], "sort": asked["sort"], "from": asked["from"]}
