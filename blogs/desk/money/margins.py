"""What a plan brings and what its shops' blogs cost, for the plan's page. Only for plans that have a price."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings

from blogs.desk.money.prices import today
from blogs.desk.money.spend import month_before
from blogs.models import BlogGeneration, Status
from wix.models import Plan, Subscription
from workers.limits import costs
from workers.limits.costs import Cost, in_dollars

# A blog's average cost is that of the plan's blogs among this many that were DONE last.
_BLOGS = 2_000
# Of a plan with more shops these many are compared, those that came first: the rows of all would be too many for a page.
SHOPS_MAX = 500


@dataclass(frozen=True, slots=True)
class Margin:
    """What is left of `brings` once `cost` is paid. Where a part of the cost is unknown, at most that is left."""

    what: str
    brings: Decimal
    cost: Cost

    @property
    def brought(self) -> str:
        return in_dollars(self.brings)

    @property
    def left(self) -> str:
        if not self.cost.is_exact and not self.cost.dollars:
            return "unknown"
        rest = self.brings - self.cost.dollars
        share = f" ({rest / self.brings:.0%})" if self.brings else ""
        return f"{'' if self.cost.is_exact else 'at most '}{in_dollars(rest)}{share}"


def of_plan(plan: Plan) -> dict[str, Any]:
    """Describe a plan's margin: this month's and the last one's of all its shops, and that of an average blog."""
    if plan.monthly_price is None:
        return {"margins": None}
    subscriptions = Subscription.objects.filter(plan=plan).order_by("pk").values_list("pk", "on_free_trial")
    shops = list(subscriptions[: SHOPS_MAX + 1])
    found = _of_months(plan, dict(shops[:SHOPS_MAX]))
    if blog := _of_a_blog(plan):
        found.append(blog)
    return {"margins": found, "shops": len(shops), "shops_max": SHOPS_MAX, "blogs_looked_at": _BLOGS}


def _of_months(plan: Plan, shops: dict[int, bool]) -> list[Margin]:
    """Compare by month. `shops` says of each whether it is on a free trial, and so brings nothing."""
    assert plan.monthly_price is not None
    month, brings = today().replace(day=1), plan.monthly_price * sum(not trial for trial in shops.values())
    lines = costs.by_month(month_before(today()), list(shops))
    return [
        Margin("its shops this month, so far", brings, costs.total(line for line in lines if line.key == month)),
        Margin("its shops last month", brings, costs.total(line for line in lines if line.key < month)),
    ]


def _of_a_blog(plan: Plan) -> Margin | None:
    """Compare what the credits of a blog bring with what one of the plan's last blogs has cost on average."""
    assert plan.monthly_price is not None
    last = BlogGeneration.objects.filter(status=Status.DONE).order_by("-pk").values("pk")[:_BLOGS]
    of_plan = BlogGeneration.objects.filter(pk__in=last, site__subscription__plan=plan)
    blogs = list(of_plan.values_list("pk", flat=True))
    if not blogs or not plan.monthly_credits:
        return None
    spent = costs.of_all(blogs)
    brings = plan.monthly_price * settings.BLOG_CREDITS / plan.monthly_credits
    return Margin("a blog, on average", brings, Cost(spent.dollars / len(blogs), spent.unpriced, spent.calls))
