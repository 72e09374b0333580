"""The form of log lines: JSON in production, one readable line in development. Both carry blog, site, stage and attempt."""

from __future__ import annotations

import logging
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
