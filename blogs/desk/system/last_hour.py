"""Draws the last hour of a limit: a bar a minute, a line for what is allowed, a mark for each minute with a rejection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from blogs.desk.charts import Chart, Series, Times
from workers.limits.usage import Minute

_TIMES_SHOWN = ((0, "60 min ago"), (0.25, "45"), (0.5, "30"), (0.75, "15"), (1, "now"))


def requests_chart(minutes: Sequence[Minute], allowed: int, now: datetime) -> Chart:
    return _chart("requests", [Series("Requests", [minute.requests for minute in minutes])], minutes, allowed, now)


def tokens_chart(minutes: Sequence[Minute], allowed: int, now: datetime) -> Chart:
    """Draw tokens: a bar is what was reserved, its darker part what answers said they used."""
    series = [
        Series("Tokens reserved", [minute.tokens for minute in minutes]),
        Series("Tokens used, as answers said", [minute.tokens_used for minute in minutes], "part"),
    ]
    return _chart("tokens", series, minutes, allowed, now)


def clock_time(minute: Minute, now: datetime) -> str:
    """Tell when these sixty seconds began."""
    return f"{now - timedelta(minutes=minute.ago + 1):%H:%M:%S}"


def _chart(unit: str, series: Sequence[Series], minutes: Sequence[Minute], allowed: int, now: datetime) -> Chart:
    return Chart(
        name=unit,
        title=f"{unit.capitalize()} a minute, last hour",
        unit=unit,
        times=Times([clock_time(minute, now) for minute in minutes], _TIMES_SHOWN, "60 s from (UTC)"),
        series=series,
        ceiling=allowed,
        ceiling_name="Allowed now",
        marks=[minute.rejections for minute in minutes],
        marks_name="Rejected by the provider",
        summary=_summary(unit, series[0].amounts, sum(minute.rejections for minute in minutes), allowed),
    )


def _summary(unit: str, amounts: Sequence[float | None], rejected: int, allowed: int) -> str:
    known = [amount or 0 for amount in amounts]
    mean = sum(known) / max(len(known), 1)
    return (
        f"{unit.capitalize()} a minute in the last hour: {mean:,.0f} on average, {max(known, default=0):,} at most,"
        f" of {allowed:,} allowed; {rejected:,} rejected by the provider."
    )
