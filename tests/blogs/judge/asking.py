"""Schemathesis loads this: what a document can't say of what it sends. It runs in an environment of its own."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import schemathesis
from hypothesis import strategies as st

_NOW = datetime.now(UTC)
_SOON, _FAR = ((_NOW + after).isoformat() for after in (timedelta(hours=1), timedelta(days=360)))
_FORM = "%Y-%m-%dT%H:%M:%SZ"


def _moments(first: timedelta, last: timedelta) -> st.SearchStrategy[str]:
    seconds = st.integers(int(first.total_seconds()), int(last.total_seconds()))
    return seconds.map(lambda after: (_NOW + timedelta(seconds=after)).strftime(_FORM))


# Within a year, as times of requests must be.
schemathesis.openapi.format("date-time", _moments(timedelta(hours=2), timedelta(days=300)))
schemathesis.openapi.format("iana-time-zone", st.sampled_from(["Europe/Berlin", "Asia/Tehran", "UTC", "America/Lima"]))
schemathesis.openapi.format(
    "cursor", st.integers(1, 10_000).map(lambda number: base64.b64encode(f"p={number}".encode()).decode())
)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Make a request that the document allows one whose fields agree with each other, as docs/api.md says in words."""
    if case.meta is None or case.meta.generation.mode.name != "POSITIVE":
        return
    if not str((case.headers or {}).get("If-Match", "*")).endswith(('"', "*")):
        # In its coverage phase Schemathesis sends `0` for a header, whatever the document's pattern says.
        case.headers["If-Match"] = '"0"'
    cursor = case.query.get("cursor") if case.query else None
    if cursor is not None and not str(cursor).startswith("cD"):
        del case.query["cursor"]
    if "site-profile" in case.operation.path or not isinstance(case.body, dict):
        return
    for wish in case.body.get("blogs", []):
        _agree(wish)
    _agree(case.body)


def _agree(body: dict[str, Any]) -> None:
    for name in {"until", "scheduledAt", "publishAt"} & body.keys():
        # Schemathesis takes some from answers: moments of the past, and the end of a key in ten years.
        if isinstance(body[name], str) and not _SOON < body[name] < _FAR:
            body[name] = (_NOW + timedelta(days=2)).strftime(_FORM)
    if body.get("publishAt"):
        body["publish"] = True
        body.pop("scheduledAt", None)
    if not (body.get("publishAt") or body.get("scheduledAt") or body.get("until")):
        body.pop("timeZone", None)
    if body.get("sourceType") != "prompt" and len(body.get("sourceId", "")) > 255:
        body["sourceId"] = body["sourceId"][:255]
    if body.get("sourceType") == "idea":
        # Its sourceId is the number of an idea that the site has.
        body["sourceType"] = "keyword"
    if "url" in body:
        body["url"] = "https://shop.example/hooks"
