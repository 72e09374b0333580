"""What the ledger never does, refused by PostgreSQL itself when somebody tries it past `ledger.py`."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from credits import ledger
from credits.models import Credit, CreditAccount

pytestmark = pytest.mark.django_db

BLOG = 4_711


def _refused(constraint: str, account: CreditAccount, **entry: Any) -> None:
    with pytest.raises(IntegrityError, match=f'"{constraint}"'), transaction.atomic():
        Credit.objects.create(account=account, **entry)


@pytest.mark.parametrize(
    "columns", [{"balance": -1}, {"held": 101}, {"held": -1}, {"debt": -1}, {"balance": 10, "held": 11}]
)
def test_an_account_is_never_overdrawn(account: CreditAccount, columns: dict[str, int]) -> None:
    with pytest.raises(IntegrityError, match="credit_account_never_overdrawn"), transaction.atomic():
        CreditAccount.objects.filter(pk=account.pk).update(**columns)


def test_a_site_has_one_account(account: CreditAccount) -> None:
    with pytest.raises(IntegrityError, match="site_id"), transaction.atomic():
        CreditAccount.objects.create(site_id=account.site_id)


def test_a_site_with_an_account_cannot_be_deleted(account: CreditAccount) -> None:
    delete = "DELETE FROM wix_site WHERE id = %s; SET CONSTRAINTS ALL IMMEDIATE"

    with pytest.raises(IntegrityError, match="foreign key"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(delete, [account.site_id])


def test_an_entry_is_of_a_known_kind(account: CreditAccount) -> None:
    _refused("credit_kind", account, kind="gift", amount=5, balance_change=5)


@pytest.mark.parametrize("amount", [0, -25])
def test_an_amount_is_positive(account: CreditAccount, amount: int) -> None:
    with (
        pytest.raises(IntegrityError, match=r"credit_amount_positive|credits_credit_amount_check"),
        transaction.atomic(),
    ):
        Credit.objects.create(account=account, kind="adjust", amount=amount, balance_change=amount)


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": "grant", "amount": 25, "balance_change": 50},
        {"kind": "grant", "amount": 25, "balance_change": 26, "debt_change": 1},
        {"kind": "grant", "amount": 25, "balance_change": -25},
        {"kind": "hold", "amount": 25, "balance_change": -25, "generation_id": BLOG, "hold_number": 0},
        {"kind": "hold", "amount": 25, "balance_change": 0, "debt_change": 5, "generation_id": BLOG, "hold_number": 0},
    ],
)
def test_an_entry_weighs_what_its_kind_says(account: CreditAccount, entry: dict[str, Any]) -> None:
    _refused("credit_weight", account, **entry)


@pytest.mark.parametrize(
    ("kind", "balance_change", "debt_change"),
    [("capture", 0, 0), ("capture", 25, 0), ("capture", -25, 1), ("release", -25, 0)],
)
def test_a_settlement_weighs_what_its_kind_says(
    account: CreditAccount, kind: str, balance_change: int, debt_change: int
) -> None:
    hold = ledger.hold(account, BLOG, 25)

    weight = {"amount": 25, "balance_change": balance_change, "debt_change": debt_change}
    _refused("credit_weight", account, kind=kind, generation_id=BLOG, hold=hold, **weight)


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": "hold", "balance_change": 0, "hold_number": 0},
        {"kind": "hold", "balance_change": 0, "generation_id": BLOG},
        {"kind": "capture", "balance_change": -25, "generation_id": BLOG},
        {"kind": "release", "balance_change": 0, "generation_id": BLOG},
        {"kind": "grant", "balance_change": 25, "hold_number": 0},
        {"kind": "adjust", "balance_change": 25, "hold_number": 0},
    ],
)
def test_an_entry_names_its_blog_and_its_hold_as_its_kind_demands(
    account: CreditAccount, entry: dict[str, Any]
) -> None:
    _refused("credit_shape", account, amount=25, **entry)


def test_a_grant_settles_no_hold(account: CreditAccount) -> None:
    hold = ledger.hold(account, BLOG, 25)

    _refused("credit_shape", account, kind="grant", amount=25, balance_change=25, hold=hold)


def test_a_blog_is_captured_once_ever_even_with_a_hold_of_another(account: CreditAccount) -> None:
    ledger.hold(account, BLOG, 25)
    ledger.capture(account, BLOG)
    other = ledger.hold(account, BLOG + 1, 25)

    entry = {"kind": "capture", "amount": 25, "balance_change": -25, "generation_id": BLOG, "hold": other}
    _refused("credit_one_capture_a_blog_ever", account, **entry)


@pytest.mark.parametrize(("again", "change"), [("capture", -25), ("release", 0)])
@pytest.mark.parametrize("settle", [ledger.capture, lambda *at: ledger.release(*at, reason="failed")])
def test_a_hold_is_settled_once(account: CreditAccount, settle: Any, again: str, change: int) -> None:
    hold = ledger.hold(account, BLOG, 25)
    settle(account, BLOG)

    # Named for another blog, so that no rule but the hold's own can refuse it.
    entry = {"kind": again, "amount": 25, "balance_change": change, "generation_id": BLOG + 1, "hold": hold}
    _refused("credit_hold_settled_once", account, **entry)


def test_a_blog_has_one_open_hold(account: CreditAccount) -> None:
    ledger.hold(account, BLOG, 25)

    entry = {"kind": "hold", "amount": 25, "balance_change": 0, "generation_id": BLOG, "hold_number": 0}
    _refused("credit_one_open_hold_a_blog", account, **entry)


def test_an_idempotency_key_is_used_once(account: CreditAccount) -> None:
    ledger.grant(account, 5, reason="invoice", idempotency_key="invoice-7")

    _refused("credit_idempotency_key", account, kind="grant", amount=5, balance_change=5, idempotency_key="invoice-7")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE credits_credit SET amount = amount + 1",
        "UPDATE credits_credit SET reason = 'another'",
        "UPDATE credits_credit SET account_id = account_id",
        "DELETE FROM credits_credit",
    ],
)
def test_an_entry_is_never_changed_or_deleted(account: CreditAccount, change: str) -> None:
    with (
        pytest.raises(IntegrityError, match="never changed or deleted; write an adjustment"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)

    assert account.entries.get().amount == 100


@pytest.mark.parametrize("change", [lambda entry: entry.save(), lambda entry: entry.delete()], ids=["save", "delete"])
def test_the_orm_cannot_change_an_entry_either(account: CreditAccount, change: Any) -> None:
    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        change(account.entries.get())
