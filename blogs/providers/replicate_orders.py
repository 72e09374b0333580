"""Looks at Replicate for an order whose answer was lost: among the latest predictions, the one with the same prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

# Of a hundred predictions each. At our limit, all workers together order this many in two minutes.
_PAGES = 10
# Replicate's clock and ours may differ by this much.
_CLOCKS = timedelta(minutes=1)
_OF_NO_USE = {"failed", "canceled", "aborted"}


def is_id(number: Any) -> bool:
    """Tell whether this can be a prediction's id. It becomes a part of an address."""
    return isinstance(number, str) and re.fullmatch(r"[\w-]{1,100}", number, re.ASCII) is not None


def find(prompt: str, *, within_seconds: float, read: Callable[[dict[str, str]], Any]) -> str | None:
    """Return its id. `read` reads a page by the query of its address.

    The addresses that Replicate gives for further pages are not followed: only their cursor is taken.
    """
    since = datetime.now(UTC) - timedelta(seconds=within_seconds) - _CLOCKS
    query = {"created_after": since.isoformat()}
    for _ in range(_PAGES):
        page = read(query)
        if found := _with_prompt(page, prompt):
            return found
        cursor = _cursor(page)
        if not cursor:
            return None
        query = {**query, "cursor": cursor}
    return None


def _with_prompt(page: Any, prompt: str) -> str | None:
    results = page.get("results") if isinstance(page, dict) else None
    for found in results if isinstance(results, list) else []:
        asked = found.get("input") if isinstance(found, Mapping) else None
        if isinstance(asked, Mapping) and asked.get("prompt") == prompt and str(found.get("status")) not in _OF_NO_USE:
            number = found.get("id")
            return number if is_id(number) else None
    return None


def _cursor(page: Any) -> str:
    following = page.get("next") if isinstance(page, dict) else None
    try:
        return httpx.URL(following).params.get("cursor", "") if isinstance(following, str) else ""
    except httpx.InvalidURL:
        return ""
