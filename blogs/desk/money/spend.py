"""What the service spends at OpenAI and Replicate: a page by day and model, and the sums that other pages show."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from blogs.desk.base import ReadOnlyAdmin
from blogs.desk.money.prices import today
from workers.limits import costs
from workers.limits.costs import Cost, Line
from workers.models import Spend

DAYS_SHOWN = 30


@admin.register(Spend)
class SpendAdmin(ReadOnlyAdmin):
    """The list's page shows sums of all sites, by day and model."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied("You lack the right to see what is spent (workers.view_spend).")
        lines = costs.by_day(min(today() - timedelta(days=DAYS_SHOWN - 1), month_before(today())))
        since = today() - timedelta(days=DAYS_SHOWN - 1)
        shown = {
            "title": "Spend at OpenAI and Replicate",
            "opts": self.opts,
            "days_shown": DAYS_SHOWN,
            "days": _days([line for line in lines if line.key >= since]),
            "models": _models([line for line in lines if line.key >= since]),
            "sums": _sums(lines),
        }
        return render(
            request, "admin/workers/spend/change_list.html", {**self.admin_site.each_context(request), **shown}
        )


def month_before(day: date) -> date:
    """Return the first day of the month before this day's."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def _days(lines: list[Line]) -> list[dict[str, Any]]:
    """Group by day, the last one first; each with its sum and its models."""
    grouped = [(day, list(of_day)) for day, of_day in groupby(lines, key=lambda line: line.key)]
    return [{"day": day, "lines": of_day, "cost": costs.total(of_day)} for day, of_day in reversed(grouped)]


def _models(lines: list[Line]) -> list[tuple[str, str, Cost]]:
    """Sum up by model, the dearest first."""
    found: dict[tuple[str, str], Cost] = {}
    for line in lines:
        key = line.provider, line.model
        found[key] = found.get(key, Cost()) + line.cost
    return sorted(((*key, cost) for key, cost in found.items()), key=lambda each: -each[2].dollars)


def _sums(lines: list[Line]) -> list[tuple[str, Cost]]:
    month = today().replace(day=1)
    return [
        ("today", costs.total(line for line in lines if line.key == today())),
        ("this month", costs.total(line for line in lines if line.key >= month)),
        ("last month", costs.total(line for line in lines if month_before(today()) <= line.key < month)),
    ]


def of_today() -> Cost:
    """Return what has been spent since midnight, UTC: for the first page."""
    return costs.total(costs.by_day(today()))


def of_site(site_id: int) -> list[tuple[str, Cost]]:
    """Return what a site's calls cost in this month and in the last, for its page."""
    lines = costs.by_month(month_before(today()), [site_id])
    month = today().replace(day=1)
    return [
        ("this month", costs.total(line for line in lines if line.key == month)),
        ("last month", costs.total(line for line in lines if line.key < month)),
    ]
