from __future__ import annotations

from functools import partial

import pytest
from django.db import transaction

from credits import ledger
from credits.models import Credit, CreditAccount
from tests.support import factories
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def _hold(site_id: int, blog: int) -> bool:
    with transaction.atomic():
        try:
            ledger.hold(ledger.lock(site_id), blog, 25)
        except ledger.InsufficientCredits:
            return False
    return True


def test_50_threads_hold_exactly_what_30_blogs_cost() -> None:
    site = factories.site(credits=30 * 25)

    held = at_once(*(partial(_hold, site.pk, blog) for blog in range(50)))

    account = CreditAccount.objects.get(site=site)
    assert (held.count(True), held.count(False)) == (30, 20)
    assert (account.balance, account.held) == (750, 750)
    assert Credit.objects.filter(kind="hold").count() == 30
    assert ledger.discrepancies() == []


def test_threads_that_hold_without_the_lock_cannot_overdraw_either() -> None:
    site = factories.site(credits=5 * 25)
    account = CreditAccount.objects.get(site=site)

    def hold(blog: int) -> bool:
        try:
            with transaction.atomic():
                ledger.hold(CreditAccount.objects.get(pk=account.pk), blog, 25)
        except ledger.InsufficientCredits:
            return False
        return True

    held = at_once(*(partial(hold, blog) for blog in range(10)))

    assert held.count(True) == 5
    assert ledger.discrepancies() == []


def test_an_account_is_only_locked_inside_a_transaction() -> None:
    with pytest.raises(AssertionError):
        ledger.lock(factories.site().pk)


def test_an_account_is_opened_once() -> None:
    site = factories.site(credits=0)

    def open_account() -> int:
        with transaction.atomic():
            return ledger.lock(site.pk).pk

    assert len(set(at_once(*[open_account] * 10))) == 1


def test_one_key_from_ten_threads_gives_once() -> None:
    site = factories.site(credits=0)

    def give() -> bool:
        with transaction.atomic():
            return ledger.grant(ledger.lock(site.pk), 50, reason="invoice 7", idempotency_key="invoice-7") is not None

    assert at_once(*[give] * 10).count(True) == 1
    assert CreditAccount.objects.get(site=site).balance == 50


def test_a_release_and_a_capture_at_once_settle_one_hold_once() -> None:
    site = factories.site(credits=100)
    with transaction.atomic():
        ledger.hold(ledger.lock(site.pk), 1, 25)

    def settle(how: str) -> bool:
        try:
            with transaction.atomic():
                account = ledger.lock(site.pk)
                ledger.capture(account, 1) if how == "capture" else ledger.release(account, 1, reason="failed")
        except ledger.NoOpenHold:
            return False
        return True

    assert sorted(at_once(partial(settle, "capture"), partial(settle, "release"))) == [False, True]
    assert ledger.discrepancies() == []
