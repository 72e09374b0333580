"""`GET /api/credits`: what a site can spend, and this month's use; `GET /api/credits/entries`: every entry of its account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet, Sum
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from blogs.api.endpoint import Endpoint
from blogs.api.listing import NUMBER, NewestFirst
from blogs.api.openapi.documenting import CURSOR, LIMIT, NUMBER_MAX, Answer, documented, page_of, parameter
from blogs.api.openapi.examples import page
from credits.models import Credit, CreditAccount
from wix.identity.auth import site_of

_RECENT = 20


class MonthSerializer(serializers.Serializer[Any]):
    since = serializers.DateTimeField()
    spent = serializers.IntegerField()
    refunded = serializers.IntegerField()
    blogs = serializers.IntegerField(help_text="how many were DONE")


class EntrySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(Credit.Kind.choices)
    amount = serializers.IntegerField()
    balanceChange = serializers.IntegerField()
    debtChange = serializers.IntegerField()
    blogId = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()
    createdAt = serializers.DateTimeField()


class CreditsSerializer(serializers.Serializer[Any]):
    available = serializers.IntegerField(help_text="can be spent")
    held = serializers.IntegerField(help_text="belongs to blogs that are not finished")
    balance = serializers.IntegerField()
    debt = serializers.IntegerField()
    creditsPerBlog = serializers.IntegerField()
    month = MonthSerializer(help_text="this month's use, in UTC")
    recent = EntrySerializer(many=True, help_text=f"the last {_RECENT} entries")


_ENTRY: dict[str, Any] = {
    "id": 118,
    "kind": "hold",
    "amount": 25,
    "balanceChange": 0,
    "debtChange": 0,
    "blogId": 61,
    "reason": "",
    "createdAt": "2026-11-28T13:04:02.118409Z",
}
_CREDITS: dict[str, Any] = {
    "available": 9375,
    "held": 25,
    "balance": 9400,
    "debt": 0,
    "creditsPerBlog": 25,
    "month": {"since": "2026-11-01T00:00:00Z", "spent": 600, "refunded": 0, "blogs": 24},
    "recent": [_ENTRY],
}


class CreditsView(Endpoint):
    """Shows a site's credits: `available` can be spent, `held` belongs to blogs that are not finished."""

    @documented(
        "readCredits",
        "Read what the site can spend, and this month's use",
        tag="Credits",
        answers={200: Answer("The account.", CreditsSerializer, _CREDITS)},
    )
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

    @documented(
        "listCreditEntries",
        "List every entry of the site's account, newest first",
        tag="Credits",
        parameters=[
            parameter("kind", {"type": "string", "enum": list(Credit.Kind.values)}, "Of this kind.", example="capture"),
            parameter("blogId", {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX}, "Of this blog.", example=61),
            LIMIT,
            CURSOR,
        ],
        answers={
            200: Answer(
                "A page of entries.", page_of(EntrySerializer, "EntryPage"), page(_ENTRY, path="credits/entries")
            )
        },
    )
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
    """Sum up what was spent and what was refunded since the month began, in UTC. Spending that was refunded counts in both."""
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
