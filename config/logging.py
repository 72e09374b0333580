"""The form of log lines: JSON in production, one readable line in development. Both carry blog, site, stage and attempt."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from workers.context.log_context import current

_STANDARD = set(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "request",
    "server_time",
    "status_code",
}


class ContextFilter(logging.Filter):
    """Adds the thread's context (blog, site, stage) to each record. What the logging call itself names wins."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in current().items():
            record.__dict__.setdefault(name, value)
        return True


# Of what strangers may send without end. Their lines have no traceback.
_STRANGERS = {
    "blogs.api.errors.problems",
    "blogs.api.webhooks",
    "config.door.front_door",
    "config.web.refusals",
    "config.web.password_checks",
    "config.web.staff_sessions",
    "django.security.csrf",
    "gunicorn.error",
    "gunicorn.http.wsgi",
    "uvicorn.error",
}
_LINES_A_MINUTE = 300
# Of a line that repeats what was sent.
_LONGEST = 500


class BoundedFilter(logging.Filter):
    """Bounds the lines that each process writes a minute, of one logger and level, about what strangers send; counts the others.

    Without a bound, 3,000 malformed requests a second are 11 MB of log a second, and the disk is full in an hour.
    """

    def __init__(self, lines_a_minute: int = _LINES_A_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._most, self._clock = lines_a_minute, clock
        self._lock = threading.Lock()
        # By logger and level: the minute, and how many lines there were in it.
        self._written: dict[tuple[str, int], tuple[int, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name not in _STRANGERS or record.exc_info:
            return True
        kind, minute = (record.name, record.levelno), int(self._clock() // 60)
        with self._lock:
            last, count = self._written.get(kind, (minute, 0))
            left_out = 0 if last == minute else max(0, count - self._most)
            count = count + 1 if last == minute else 1
            self._written[kind] = (minute, count)
        if count > self._most:
            return False
        _shorten(record, left_out)
        return True


def _shorten(record: logging.LogRecord, left_out: int) -> None:
    text = record.getMessage()
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} …"
    if left_out:
        text += f" ({left_out} more lines like this were left out)"
    record.msg, record.args = text, ()


class UnavailableFilter(logging.Filter):
    """Drops Django's error for each answer with status 503: ours mean "not now", and the view has logged the reason."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != 503


class JsonLines(JsonFormatter):
    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            timestamp="time",
            rename_fields={"levelname": "level", "name": "logger"},
            reserved_attrs=list(_STANDARD),
        )


class ConsoleLines(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        line, *trace = super().format(record).split("\n", 1)
        return "\n".join([f"{line}  {self._extra(record)}".rstrip(), *trace])

    def _extra(self, record: logging.LogRecord) -> str:
        extra: dict[str, Any] = {k: v for k, v in record.__dict__.items() if k not in _STANDARD and v not in ("", None)}
        return " ".join(f"{name}={value}" for name, value in extra.items())
