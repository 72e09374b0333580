from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from credits import ledger
from credits.models import Credit, CreditAccount
from tests.support import factories

pytestmark = pytest.mark.django_db

BLOG = 4_711


def _sums(account: CreditAccount) -> tuple[int, int, int]:
    account.refresh_from_db()
    return account.balance, account.held, account.debt


def _last_entry() -> Credit:
    return Credit.objects.latest("pk")


@pytest.fixture(autouse=True)
def _always_exact(db: None) -> Any:
    yield
    assert ledger.discrepancies() == []


def test_an_account_opens_with_nothing() -> None:
    account = ledger.lock(factories.site(credits=0).pk)

    assert _sums(account) == (0, 0, 0)
    assert ledger.lock(account.site_id).pk == account.pk


def test_a_hold_sets_credits_aside(account: CreditAccount) -> None:
    entry = ledger.hold(account, BLOG, 25)

    assert _sums(account) == (100, 25, 0)
    assert account.available == 75
    assert (entry.kind, entry.amount, entry.balance_change, entry.generation_id) == ("hold", 25, 0, BLOG)


def test_a_capture_spends_what_was_held(account: CreditAccount) -> None:
    held = ledger.hold(account, BLOG, 25)

    ledger.capture(account, BLOG)
    entry = _last_entry()

    assert _sums(account) == (75, 0, 0)
    assert (entry.kind, entry.amount, entry.balance_change, entry.hold_id) == ("capture", 25, -25, held.pk)


def test_a_release_gives_back_what_was_held(account: CreditAccount) -> None:
    held = ledger.hold(account, BLOG, 25)

    ledger.release(account, BLOG, reason="content_refused")
    entry = _last_entry()

    assert _sums(account) == (100, 0, 0)
    assert (entry.kind, entry.balance_change, entry.hold_id, entry.reason) == ("release", 0, held.pk, "content_refused")


def test_what_is_captured_is_what_was_held_whatever_a_blog_costs_by_then(account: CreditAccount, settings: Any) -> None:
    ledger.hold(account, BLOG, 25)
    settings.BLOG_CREDITS = 40

    ledger.capture(account, BLOG)

    assert _last_entry().amount == 25


def test_a_released_blog_can_be_held_and_captured_again(account: CreditAccount) -> None:
    for _ in range(2):
        ledger.hold(account, BLOG, 25)
        ledger.release(account, BLOG, reason="failed")
    ledger.hold(account, BLOG, 25)

    ledger.capture(account, BLOG)

    assert _sums(account) == (75, 0, 0)


def test_the_blogs_of_an_account_are_held_side_by_side(account: CreditAccount) -> None:
    for blog in range(4):
        ledger.hold(account, blog, 25)

    ledger.capture(account, 0)
    ledger.release(account, 1, reason="failed")

    assert _sums(account) == (75, 50, 0)


def test_more_than_is_free_is_not_held(account: CreditAccount) -> None:
    ledger.hold(account, BLOG, 80)

    with pytest.raises(ledger.InsufficientCredits) as refused:
        ledger.hold(account, BLOG + 1, 25)

    assert (refused.value.required, refused.value.available) == (25, 20)
    assert _sums(account) == (100, 80, 0)
    assert account.entries.filter(kind="hold").count() == 1


def test_all_that_is_free_can_be_held(account: CreditAccount) -> None:
    ledger.hold(account, BLOG, 100)

    assert account.entries.filter(kind="hold").count() == 1
    assert _sums(account) == (100, 100, 0)


def test_a_blog_is_not_held_twice(account: CreditAccount) -> None:
    ledger.hold(account, BLOG, 25)

    with pytest.raises(IntegrityError, match="credit_one_open_hold_a_blog"), transaction.atomic():
        ledger.hold(account, BLOG, 25)

    assert _sums(account) == (100, 25, 0)


@pytest.mark.parametrize("settle_again", [ledger.capture, lambda *at: ledger.release(*at, reason="again")])
@pytest.mark.parametrize("settle", [ledger.capture, lambda *at: ledger.release(*at, reason="failed")])
def test_a_settled_hold_is_not_settled_again(account: CreditAccount, settle: Any, settle_again: Any) -> None:
    ledger.hold(account, BLOG, 25)
    settle(account, BLOG)
    before = _sums(account)

    with pytest.raises(ledger.NoOpenHold):
        settle_again(account, BLOG)

    assert _sums(account) == before


def test_a_captured_blog_is_never_captured_again(account: CreditAccount) -> None:
    ledger.hold(account, BLOG, 25)
    ledger.capture(account, BLOG)

    # Its first hold wasn't released, so a second would get the same number.
    with pytest.raises(IntegrityError, match="credit_one_open_hold_a_blog"), transaction.atomic():
        ledger.hold(account, BLOG, 25)

    assert _sums(account) == (75, 0, 0)


def test_a_grant_says_why_and_by_whom(account: CreditAccount) -> None:
    staff = get_user_model().objects.create_user("support")

    entry = ledger.grant(account, 50, reason="sorry", created_by=staff)

    assert _sums(account) == (150, 0, 0)
    assert entry is not None
    assert (entry.kind, entry.amount, entry.reason, entry.created_by) == ("grant", 50, "sorry", staff)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_grant_is_positive(account: CreditAccount, amount: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        ledger.grant(account, amount, reason="?")

    assert _sums(account) == (100, 0, 0)


@pytest.mark.parametrize("give", [ledger.grant, ledger.adjust])
def test_the_same_key_gives_once(account: CreditAccount, give: Any) -> None:
    assert give(account, 50, reason="invoice 7", idempotency_key="invoice-7") is not None

    assert give(account, 50, reason="invoice 7", idempotency_key="invoice-7") is None

    assert _sums(account) == (150, 0, 0)


@pytest.mark.parametrize(("change", "balance"), [(30, 130), (-30, 70), (-100, 0)])
def test_an_adjustment_goes_both_ways(account: CreditAccount, change: int, balance: int) -> None:
    entry = ledger.adjust(account, change, reason="correction")

    assert _sums(account) == (balance, 0, 0)
    assert entry is not None
    assert (entry.amount, entry.balance_change, entry.debt_change) == (abs(change), change, 0)


def test_an_adjustment_of_nothing_is_a_mistake(account: CreditAccount) -> None:
    with pytest.raises(ValueError, match="changes nothing"):
        ledger.adjust(account, 0, reason="?")


def test_what_is_charged_back_beyond_the_free_credits_becomes_debt(account: CreditAccount) -> None:
    ledger.hold(account, BLOG, 25)

    entry = ledger.adjust(account, -200, reason="chargeback")

    assert _sums(account) == (25, 25, 125)
    assert entry is not None
    assert (entry.amount, entry.balance_change, entry.debt_change) == (200, -75, 125)


def test_a_blog_that_runs_during_a_chargeback_is_still_paid_for(account: CreditAccount) -> None:
    ledger.hold(account, BLOG, 25)
    ledger.adjust(account, -200, reason="chargeback")

    ledger.capture(account, BLOG)

    assert _sums(account) == (0, 0, 125)


@pytest.mark.parametrize("give", [ledger.grant, ledger.adjust])
@pytest.mark.parametrize(
    ("amount", "balance", "debt"), [(20, 0, 30), (50, 0, 0), (80, 30, 0)], ids=["part", "just paid", "more"]
)
def test_debt_is_paid_first(account: CreditAccount, give: Any, amount: int, balance: int, debt: int) -> None:
    ledger.adjust(account, -150, reason="chargeback")
    assert _sums(account) == (0, 0, 50)

    give(account, amount, reason="bought")

    assert _sums(account) == (balance, 0, debt)


def test_credits_in_debt_cannot_be_held(account: CreditAccount) -> None:
    ledger.adjust(account, -150, reason="chargeback")
    ledger.grant(account, 70, reason="bought")

    with pytest.raises(ledger.InsufficientCredits) as refused:
        ledger.hold(account, BLOG, 25)

    assert refused.value.available == 20
