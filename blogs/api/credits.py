"""`GET /api/credits`: what a site can spend."""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from credits.models import CreditAccount
from wix.identity.auth import site_of


class CreditsView(APIView):
    """Shows a site's credits: `available` can be spent, `held` belongs to blogs that are not finished."""

    def get(self, request: Request) -> Response:
        account = CreditAccount.objects.filter(site=site_of(request)).first() or CreditAccount()
        recent = account.entries.order_by("-id")[:20] if account.pk else []
        return Response(
            {
                "available": account.available,
                "held": account.held,
                "balance": account.balance,
                "debt": account.debt,
                "creditsPerBlog": settings.BLOG_CREDITS,
                "recent": [
                    {
                        "kind": entry.kind,
                        "amount": entry.amount,
                        "balanceChange": entry.balance_change,
                        "blogId": entry.generation_id,
                        "reason": entry.reason,
                        "createdAt": entry.created_at,
                    }
                    for entry in recent
                ],
            }
        )
