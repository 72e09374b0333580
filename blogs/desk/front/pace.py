"""The two charts of the first page: blogs that ended, done or failed, over the last hour and the last day."""

from __future__ import annotations

from datetime import datetime, timedelta

from blogs.desk.charts import Chart, Series, Times
from blogs.desk.front.ended import MINUTE, MINUTES, QUARTER, QUARTERS, Counts, Ended, floor
from blogs.models import Status


def charts(ended: Ended) -> list[Chart]:
    return [
        _chart("hour", "Blogs that ended, by minute", _places(ended.now, MINUTE, MINUTES), ended.minutes),
        _chart("day", "Blogs that ended, by quarter of an hour", _places(ended.now, QUARTER, QUARTERS), ended.quarters),
    ]


def _places(now: datetime, unit: timedelta, count: int) -> list[datetime]:
    """Return when each began. The last one is not over yet."""
    last = floor(now, unit)
    return [last - place * unit for place in reversed(range(count))]


def _chart(name: str, title: str, places: list[datetime], counts: Counts) -> Chart:
    series = [
        Series(word, [counts[at, status] for at in places])
        for word, status in (("Done", Status.DONE), ("Failed", Status.FAILED))
    ]
    done, failed = (int(sum(amount or 0 for amount in each.amounts)) for each in series)
    whole = "the last hour" if name == "hour" else "the last 24 hours"
    return Chart(
        name=name,
        title=title,
        unit="blogs",
        times=Times([f"{at:%H:%M}" for at in places], _shown(places)),
        series=series,
        summary=f"In {whole} {done:,} blogs were done and {failed:,} failed.",
    )


def _shown(places: list[datetime]) -> list[tuple[float, str]]:
    """Name five times, evenly apart, by the clock."""
    return [
        (quarter / 4, f"{places[min(round(len(places) * quarter / 4), len(places) - 1)]:%H:%M}") for quarter in range(4)
    ] + [(1, "now")]
