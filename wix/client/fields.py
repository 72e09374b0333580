"""Reads single values out of what Wix sends (answers, tokens, events), where any may be missing or of another type."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime

from workers.errors import TransientError

# Longer than any id that Wix gives. Media ids have up to 60 characters.
_ID_MAX = 300


def pick(answer: Any, *path: str | int) -> Any:
    """Return the value at a path that must be there. Raises TransientError where Wix's answer has another shape."""
    for step in path:
        try:
            answer = answer[step]
        except (KeyError, IndexError, TypeError):
            raise _lacks(path) from None
    return answer


def picked_id(answer: Any, *path: str | int, most: int = _ID_MAX) -> str:
    """Return the id at a path that must be there: a text of up to `most` characters. Raises TransientError as `pick` does."""
    found = pick(answer, *path)
    if not (isinstance(found, str) and 0 < len(found) <= most):
        raise _lacks(path)
    return found


def picked_uuid(answer: Any, *path: str | int) -> str:
    """Return the id at a path that must be there: a UUID, which a column of ours can hold. Raises TransientError as `pick` does."""
    found = uuid_or_none(pick(answer, *path))
    if found is None:
        raise _lacks(path)
    return str(found)


def picked_objects(answer: Any, *path: str | int) -> list[dict[str, Any]]:
    """Return the objects of an array that must be there. Raises TransientError as `pick` does."""
    found = pick(answer, *path)
    if not isinstance(found, list):
        raise _lacks(path)
    return objects(found)


def _lacks(path: tuple[str | int, ...]) -> TransientError:
    return TransientError("wix_unavailable", f"Wix's answer lacks {'.'.join(map(str, path))}.")


def object_in(document: Any, name: str) -> dict[str, Any]:
    """Return the JSON object of this name; an empty one where there is none."""
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, dict) else {}


def list_in(document: Any, name: str) -> list[Any]:
    """Return the JSON array of this name; an empty one where there is none."""
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, list) else []


def objects(items: Iterable[Any]) -> list[dict[str, Any]]:
    """Return those items that are JSON objects."""
    return [item for item in items if isinstance(item, dict)]


def text_in(document: Any, name: str) -> str:
    """Return the string of this name; an empty one where there is none."""
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) else ""


def uuid_or_none(value: Any) -> UUID | None:
    """Return the UUID that a string spells; None for any other string or type."""
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        return None


def number(value: Any) -> float | None:
    """Return a finite number, which Wix's types say it sends and its docs show as a string; None for anything else."""
    try:
        found = math.nan if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def moment(value: Any) -> datetime | None:
    """Return the time that an ISO 8601 string names, in UTC, which is meant where it names no zone; None for anything else."""
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
        if found is None:
            return None
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def moment_of_epoch(seconds: float) -> datetime | None:
    """Return the time of a Unix timestamp; None where that is beyond what a datetime can hold."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
