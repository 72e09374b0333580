"""The calendar of paid months: where each starts and ends, counted from the moment when a site became paid."""

from __future__ import annotations

import calendar
from datetime import datetime


def period(since: datetime, now: datetime) -> tuple[datetime, datetime]:
    """Return the start and the end of the paid month that `now` is in; of the first one if `now` is before it."""
    months = 12 * (now.year - since.year) + now.month - since.month
    if months_after(since, months) > now:
        months -= 1
    months = max(months, 0)
    return months_after(since, months), months_after(since, months + 1)


def months_after(since: datetime, months: int) -> datetime:
    """Add calendar months; a day that a month lacks becomes its last: 31 January, 28 February, 31 March."""
    years, month = divmod(since.month - 1 + months, 12)
    year = since.year + years
    return since.replace(year=year, month=month + 1, day=min(since.day, calendar.monthrange(year, month + 1)[1]))
