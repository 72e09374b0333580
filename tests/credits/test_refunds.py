"""A refund gives back what a blog has cost: once, and never without a capture."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from credits import ledger
from credits.ledger import NothingToRefund
from credits.models import Credit, CreditAccount
from tests.support.factories import done_generation, failed_generation, site
from tests.support.threads import at_once
from wix.models import Site

pytestmark = pytest.mark.django_db


def refund(shop: Site, blog_id: int) -> Credit:
    with transaction.atomic():
        return ledger.refund(ledger.lock(shop.pk), blog_id, reason="it is in the wrong language")


def balance(shop: Site) -> int:
    return CreditAccount.objects.get(site=shop).balance


def test_it_gives_back_the_price_that_was_paid() -> None:
    shop = site(credits=100)
    blog = done_generation(shop)

    entry = refund(shop, blog.pk)

    assert (entry.kind, entry.amount, entry.generation_id) == ("refund", 25, blog.pk)
    assert balance(shop) == 100
    assert ledger.discrepancies() == []


def test_a_second_one_changes_nothing() -> None:
    shop = site(credits=100)
    blog = done_generation(shop)
    refund(shop, blog.pk)

    with pytest.raises(NothingToRefund, match="given back before"):
        refund(shop, blog.pk)

    assert balance(shop) == 100


def test_a_blog_that_cost_nothing_gives_nothing_back() -> None:
    shop = site(credits=100)

    with pytest.raises(NothingToRefund, match="no credits were spent"):
        refund(shop, failed_generation(shop).pk)


def test_another_shop_gets_none_of_it() -> None:
    blog = done_generation(site(credits=100))

    with pytest.raises(NothingToRefund):
        refund(site(credits=0), blog.pk)


def test_it_pays_a_debt_first() -> None:
    shop = site(credits=25)
    blog = done_generation(shop)
    with transaction.atomic():
        ledger.adjust(ledger.lock(shop.pk), -10, reason="chargeback")

    refund(shop, blog.pk)

    account = CreditAccount.objects.get(site=shop)
    assert (account.balance, account.debt) == (15, 0)
    assert ledger.discrepancies() == []


def test_the_database_itself_allows_one() -> None:
    shop = site(credits=100)
    entry = refund(shop, done_generation(shop).pk)

    with pytest.raises(IntegrityError, match="credit_one_refund_a_blog_ever"), transaction.atomic():
        Credit.objects.create(
            account_id=entry.account_id, kind="refund", amount=1, balance_change=1, generation_id=entry.generation_id
        )


@pytest.mark.django_db(transaction=True)
def test_however_many_click_it_is_given_once() -> None:
    shop = site(credits=100)
    blog = done_generation(shop)

    def click() -> None:
        try:
            refund(shop, blog.pk)
        except NothingToRefund:
            return

    at_once(*[click] * 8)

    assert balance(shop) == 100
    assert Credit.objects.filter(kind="refund").count() == 1
