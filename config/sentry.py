"""Sends errors of ours to Sentry, where SENTRY_DSN is set: where each happened and to which blog, and never the data that it met.

An event is made here field by field. The SDK's own integrations are off: they would send requests, local variables, prompts in
exceptions' texts and SQL. So an event has the exception's type, the lines of the traceback, and tags. The log line has the rest;
`request_id`, `blog` and the time lead to it.

The SDK is an extra (`requirements-sentry.txt`) and is imported only here. It sends by a thread of its own and past
`workers.outbound`, as a shipper of logs would.
"""

from __future__ import annotations

import logging
import time
import traceback
from pathlib import Path
from typing import Any

import sentry_sdk

_ROOT = str(Path(__file__).resolve().parent.parent)
# What a log line may name that becomes a tag: our own names and numbers.
_TAGS = ("action", "blog", "site", "stage", "attempt", "code", "request_id", "provider", "operation", "doing")
_KEPT = {
    *("event_id", "timestamp", "platform", "level", "logger", "release", "environment", "server_name", "sdk"),
    *("logentry", "exception", "tags", "transaction"),
}
# An outage brings the same error a thousand times. Of each place in the code so many a minute are sent.
_A_MINUTE = 5
_FLUSH_SECONDS = 2.0


class SentryHandler(logging.Handler):
    """Sends records of level ERROR and above. `logging.shutdown` flushes it."""

    def __init__(self, *, dsn: str, release: str, environment: str) -> None:
        super().__init__(logging.ERROR)
        self._sent: dict[tuple[str, int, int], int] = {}
        sentry_sdk.init(
            dsn=dsn,
            release=release,
            environment=environment,
            default_integrations=False,
            auto_enabling_integrations=False,
            send_default_pii=False,
            include_local_variables=False,
            max_breadcrumbs=0,
            auto_session_tracking=False,
            send_client_reports=False,
            traces_sample_rate=None,
            propagate_traces=False,
            before_send=_only_what_is_ours,
        )

    def emit(self, record: logging.LogRecord) -> None:
        if self._is_one_too_many(record):
            return
        sentry_sdk.capture_event(_event(record))

    def flush(self) -> None:
        sentry_sdk.flush(_FLUSH_SECONDS)

    def _is_one_too_many(self, record: logging.LogRecord) -> bool:
        """Runs under the handler's lock."""
        minute = int(time.monotonic() // 60)
        place = (record.pathname, record.lineno, minute)
        self._sent = {known: count for known, count in self._sent.items() if known[2] == minute}
        self._sent[place] = self._sent.get(place, 0) + 1
        return self._sent[place] > _A_MINUTE


def _event(record: logging.LogRecord) -> Any:
    """Make the event of a record. Its `msg` is the text in the code, without the values that belong into it."""
    event: dict[str, Any] = {
        "level": "fatal" if record.levelno >= logging.CRITICAL else "error",
        "logger": record.name,
        "logentry": {"message": str(record.msg) if isinstance(record.msg, str) else type(record.msg).__name__},
        "tags": {name: str(value) for name in _TAGS if (value := getattr(record, name, None)) not in (None, "")},
    }
    if record.exc_info and record.exc_info[1]:
        event["exception"] = {"values": [_exception(error) for error in _chain(record.exc_info[1])]}
    return event


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return the errors that led to this one, the first of them first, as Sentry orders them."""
    found: list[BaseException] = []
    while error is not None and error not in found and len(found) < 10:
        found.insert(0, error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


def _exception(error: BaseException) -> dict[str, Any]:
    """Describe an error without its text, which may repeat what a shop or a provider sent."""
    frames = [
        {
            "filename": frame.filename.removeprefix(f"{_ROOT}/"),
            "function": frame.name,
            "lineno": frame.lineno,
            "in_app": frame.filename.startswith(_ROOT) and "site-packages" not in frame.filename,
        }
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return {"type": type(error).__name__, "module": type(error).__module__, "stacktrace": {"frames": frames}}


def _only_what_is_ours(event: Any, hint: Any) -> Any:
    """Remove whatever the SDK, or a later version of it, adds by itself."""
    return {name: value for name, value in event.items() if name in _KEPT}
