"""Blogs by what they have cost at OpenAI and Replicate: for the list's filter. Unknown is a band of its own."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Max, Q, QuerySet
from django.db.models.expressions import RawSQL

from blogs.models import BlogGeneration
from workers.limits import costs

# Among this number of the newest blogs: the calls of each are added up when the list is read.
NEWEST = 5_000

BANDS = {
    "nothing": "nothing",
    "5": "up to 5 cents",
    "10": "5 to 10 cents",
    "50": "10 to 50 cents",
    "more": "more than 50 cents",
    "unknown": "unknown, or a part of it",
}
_FROM_TO = {"5": ("0", "0.05"), "10": ("0.05", "0.10"), "50": ("0.10", "0.50"), "more": ("0.50", "Infinity")}

_PRICED = costs.of_works("call.work > %s") + "SELECT work FROM priced GROUP BY work HAVING "


def within(blogs: QuerySet[BlogGeneration], band: str) -> QuerySet[BlogGeneration]:
    """Leave those whose cost is in the band. `blogs` are among the newest."""
    above = (BlogGeneration.objects.aggregate(newest=Max("pk"))["newest"] or 0) - NEWEST
    if band == "nothing":
        return blogs.filter(~Q(pk__in=RawSQL(_PRICED + "bool_or(unpriced) OR sum(dollars) > 0", [above])))
    if band == "unknown":
        return blogs.filter(pk__in=RawSQL(_PRICED + "bool_or(unpriced)", [above]))
    low, high = map(Decimal, _FROM_TO[band])
    known = "NOT bool_or(unpriced) AND sum(dollars) > %s AND sum(dollars) <= %s"
    return blogs.filter(pk__in=RawSQL(_PRICED + known, [above, low, high]))
