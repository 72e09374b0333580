"""Two plans, what Wix says of a site that pays for one, and what that has given."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Sum

from blogs.site_events import subscriptions
from credits.models import Credit
from wix.client.app_instance import AppInstance, Billing
from wix.models import Allowance, Plan, Site

JANUARY_31 = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
MONTHLY = {"basic": 100, "pro": 400}


def make_plans() -> None:
    basic, pro = (MONTHLY[name] for name in ("basic", "pro"))
    Plan.objects.create(vendor_product_id="basic", name="Basic", monthly_credits=basic, weight=2, open_blogs_max=50)
    Plan.objects.create(vendor_product_id="pro", name="Pro", monthly_credits=pro, weight=5)


def paid(
    product: str = "basic", since: datetime | None = JANUARY_31, invoice: str = "1001", cycle: str = "MONTHLY"
) -> AppInstance:
    return AppInstance("x", is_free=False, billing=Billing(product, cycle=cycle, since=since, invoice_id=invoice))


FREE = AppInstance("x", is_free=True)


def apply(site: Site, found: AppInstance, at: datetime) -> int:
    """Return how many credits it gave."""
    return subscriptions.carry(site, found, read_at=at).granted


def allowed(site: Site) -> int:
    entries = Credit.objects.filter(account__site=site).exclude(reason="test")
    return entries.aggregate(sum=Sum("balance_change"))["sum"] or 0


def available(instance: UUID) -> int:
    return Site.objects.get(instance_id=instance).credit_account.available


def months(site: Site) -> list[tuple[str, int]]:
    of_site = Allowance.objects.filter(site=site).values("period_start").order_by("period_start")
    return [(f"{month['period_start']:%m-%d}", month["sum"]) for month in of_site.annotate(sum=Sum("credits"))]
