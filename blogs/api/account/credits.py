"""`GET /api/credits`: what a site can spend, and this month's use; `GET /api/credits/entries`: every entry of its account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet, Sum
from django.utils import timezone
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from blogs.api.endpoint import Endpoint
from blogs.api.listing import NUMBER, NewestFirst
from credits.models import Credit, CreditAccount
from wix.identity.auth import site_of

_RECENT = 20


class CreditsView(Endpoint):
    """Shows a site's credits: `available` can be spent, `held` belongs to blogs that are not finished."""

    def get(self, request: Request) -> Response:
        account = CreditAccount.objects.filter(site=site_of(request)).first() or CreditAccount()
        recent = account.entries.order_by("-id")[:_RECENT] if account.pk else []
        return Response(
            {
                "available": account.available,
                "held": account.held,
                "balance": account.balance,
                "debt": account.debt,
                "creditsPerBlog": settings.BLOG_CREDITS,
                "month": _month(account),
                "recent": [_entry(entry) for entry in recent],
            }
        )


class CreditEntriesView(Endpoint, GenericAPIView[Credit]):
    """Lists a site's entries, newest first. They are kept for ever, also of blogs that are not."""

    pagination_class = NewestFirst
    parameters = ("kind", "blogId", "limit", "cursor")

    def get_queryset(self) -> QuerySet[Credit]:
        return Credit.objects.filter(account__site=site_of(self.request))

    def get(self, request: Request) -> Response:
        entries = self.paginate_queryset(_chosen(self.get_queryset(), request))
        assert entries is not None
        return self.get_paginated_response([_entry(entry) for entry in entries])


def _chosen(entries: QuerySet[Credit], request: Request) -> QuerySet[Credit]:
    wrong = {}
    if (kind := request.query_params.get("kind")) is not None:
        if kind not in Credit.Kind.values:
            wrong["kind"] = [ErrorDetail(f"Allowed: {', '.join(Credit.Kind.values)}.", "invalid_choice")]
        entries = entries.filter(kind=kind)
    if (blog := request.query_params.get("blogId")) is not None:
        if not NUMBER.fullmatch(blog):
            wrong["blogId"] = [ErrorDetail("It must be the number of a blog.", "invalid")]
        else:
            entries = entries.filter(generation_id=int(blog))
    if wrong:
        raise ValidationError(wrong)
    return entries


def _month(account: CreditAccount) -> dict[str, Any]:
    """Sum up what was spent since the month began, in UTC. Of what a refund gave back, the spending is told too."""
    now = timezone.now()
    began = datetime(now.year, now.month, 1, tzinfo=UTC)
    sums = {Credit.Kind.CAPTURE.value: (0, 0), Credit.Kind.REFUND.value: (0, 0)}
    if account.pk:
        entries = account.entries.filter(kind__in=list(sums), created_at__gte=began).order_by()
        for kind, amount, number in entries.values_list("kind").annotate(Sum("amount"), Count("id")):
            sums[kind] = amount, number
    (spent, blogs), (refunded, _) = sums.values()
    return {"since": began, "spent": spent, "refunded": refunded, "blogs": blogs}


def _entry(entry: Credit) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "kind": entry.kind,
        "amount": entry.amount,
        "balanceChange": entry.balance_change,
        "debtChange": entry.debt_change,
        "blogId": entry.generation_id,
        "reason": entry.reason,
        "createdAt": entry.created_at,
    }
