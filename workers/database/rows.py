"""Making Django's objects of the rows that a statement of ours returns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

M = TypeVar("M", bound=Model)


def columns(model: type[Model], table: str) -> str:
    """List the model's columns for a SELECT, in the order in which `instance` takes them."""
    return ", ".join(f"{table}.{field.column}" for field in model._meta.concrete_fields)


def width(model: type[Model]) -> int:
    return len(model._meta.concrete_fields)


def instance(model: type[M], values: Sequence[Any]) -> M:
    return model.from_db(DEFAULT_DB_ALIAS, [field.attname for field in model._meta.concrete_fields], values)


def plain(found: Any) -> Any:
    """Return what a jsonb column holds, which a plain cursor returns as text."""
    return json.loads(found) if isinstance(found, str) else found
