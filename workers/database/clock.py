"""Time by PostgreSQL's clock. Only it decides about leases, `run_after` and limits, so that a machine's wrong clock can't."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, Func, Value
from django.db.models.expressions import Combinable


class ClockTimestamp(Func):
    """Gives the time at this very moment; SQL's `now()` is the start of the transaction.

    It stands in a sub-select, which is evaluated once: for a comparison with a bare volatile function no index would be used.
    """

    template = "(SELECT clock_timestamp())"
    output_field = DateTimeField()


def seconds_from_now(seconds: float) -> Combinable:
    return ExpressionWrapper(
        ClockTimestamp() + Value(timedelta(seconds=seconds), output_field=DurationField()), output_field=DateTimeField()
    )
