"""Stories of credits: a blog is refunded once, however many ask; a role moves no more than its cap."""

from __future__ import annotations

from collections.abc import Callable

from credits.models import Credit
from tests.browser.browsing import Person
from tests.support import factories

BLOGS = "/admin/blogs/bloggeneration/"


def test_a_blog_is_refunded_once_however_many_ask(hire: Callable[..., Person]) -> None:
    blog = factories.done_generation()
    bill, ada = hire("Billing", "bill"), hire("Admin", "ada")
    for each in (bill, ada):
        each.opens(f"{BLOGS}{blog.pk}/change/")
        each.clicks("Refund", "button")
        each.sees("1 blog", within="dialog")
        each.types("the picture was wrong")

    bill.presses("Enter")
    bill.sees("Refunded 25 credits: 1.")
    ada.presses("Enter")

    ada.sees("Changed none.", "Skipped 1")
    ada.opens(f"{BLOGS}{blog.pk}/change/")
    ada.sees("Its 25 credits were given back.")
    assert Credit.objects.filter(kind="refund").count() == 1


def test_a_grant_above_the_roles_cap_is_refused_beside_the_field(hire: Callable[..., Person]) -> None:
    shop = factories.site(credits=0)
    bill = hire("Billing", "bill")
    bill.opens(f"/admin/wix/site/{shop.pk}/change/")

    bill.fills("Amount:", "1001")
    bill.fills("Reason:", "a hundred thousand thanks", within="form:has(#id_amount)")
    bill.clicks("Grant or adjust", "button")

    bill.sees("Your role moves up to 1,000 credits at once; ask an admin for more.")
    bill.fills("Amount:", "1000")
    bill.clicks("Grant or adjust", "button")
    bill.sees("Credits +1,000: done.")
    assert Credit.objects.filter(account__site=shop).count() == 1
