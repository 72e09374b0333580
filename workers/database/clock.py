"""Only PostgreSQL's clock decides about leases, `run_after` and limits, so that no machine's wrong clock can."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, Func, Value
from django.db.models.expressions import Combinable


class ClockTimestamp(Func):
    """The time at this very moment, not at the start of the transaction as SQL's `now()`.

    In a sub-select, which is evaluated once: compared with a bare volatile function, no index would be used.
    """

    template = "(SELECT clock_timestamp())"
    output_field = DateTimeField()


def seconds_from_now(seconds: float) -> Combinable:
    return ExpressionWrapper(
        ClockTimestamp() + Value(timedelta(seconds=seconds), output_field=DurationField()), output_field=DateTimeField()
    )
