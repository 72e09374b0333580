"""The least that any server could do with a flood: it refuses each request without looking at it (`tests.bench.flood`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("429 Too Many Requests", [("Content-Length", "0"), ("Retry-After", "1")])
    return []
