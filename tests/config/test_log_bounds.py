"""What strangers send writes no more than so many lines a minute, and no endless ones."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from gunicorn.config import Config

from config.logging import BoundedFilter
from config.web.gunicorn_log import Log


def line(text: str, *args: object, name: str = "gunicorn.error", level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, text, args, None)


def test_a_minute_has_so_many_lines_and_the_next_one_says_how_many_more_there_were() -> None:
    now = [0.0]
    bounded = BoundedFilter(3, clock=lambda: now[0])
    assert [bounded.filter(line("bad")) for _ in range(5)] == [True, True, True, False, False]
    assert bounded.filter(line("bad", name="django.security.csrf"))
    assert bounded.filter(line("bad", level=logging.INFO))

    now[0] = 61
    first, second = line("bad %s", 1), line("bad %s", 2)
    assert bounded.filter(first)
    assert bounded.filter(second)

    assert first.getMessage() == "bad 1 (2 more lines like this were left out)"
    assert second.getMessage() == "bad 2"


def test_our_own_lines_have_no_bound_and_neither_have_tracebacks() -> None:
    bounded = BoundedFilter(1)
    failed = line("failed")
    failed.exc_info = (ValueError, ValueError(), None)

    assert all(bounded.filter(line("done", name="blogs.pipeline")) for _ in range(5))
    assert all(bounded.filter(failed) for _ in range(5))


def test_a_line_that_repeats_what_was_sent_is_cut() -> None:
    long = line("Invalid request: %r", "a" * 4_000)

    assert BoundedFilter().filter(long)
    assert len(long.getMessage()) < 510


def test_both_logs_are_bounded() -> None:
    logging_settings: dict[str, Any] = settings.LOGGING
    assert "bounded" in logging_settings["handlers"]["stderr"]["filters"]
    assert any(isinstance(rule, BoundedFilter) for rule in Log(Config()).error_log.filters)
