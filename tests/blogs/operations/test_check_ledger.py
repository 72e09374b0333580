from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from blogs.operations import proof
from credits import ledger
from tests.support import factories
from tests.support.processes import run

pytestmark = pytest.mark.django_db


def _sql(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@contextmanager
def _past_the_trigger() -> Iterator[None]:
    # Deferred foreign keys leave trigger events behind, and ALTER TABLE waits for none.
    _sql("SET CONSTRAINTS ALL IMMEDIATE")
    _sql("ALTER TABLE credits_credit DISABLE TRIGGER credit_is_append_only")
    yield
    _sql("ALTER TABLE credits_credit ENABLE TRIGGER credit_is_append_only")


def _complaint() -> str:
    complaints = StringIO()
    with pytest.raises(CommandError, match=r"\d discrepancies\. Nothing was changed"):
        call_command("check_ledger", stderr=complaints)
    return complaints.getvalue()


def test_a_ledger_with_everything_that_can_happen_is_exact() -> None:
    site = factories.site(credits=200)
    factories.done_generation(site)
    factories.failed_generation(site)
    factories.processing_generation(site)
    factories.pending_generation(site)
    ledger.adjust(ledger.lock(site.pk), -1_000, reason="chargeback")
    printed = StringIO()

    call_command("check_ledger", stdout=printed)

    assert "The ledger is exact: 8 entries, 1 accounts." in printed.getvalue()


def test_an_empty_ledger_is_exact() -> None:
    assert proof.discrepancies() == []


@pytest.mark.parametrize(
    ("column", "change", "told"),
    [
        ("balance", "+ 1", "balance is 101, its entries say 100"),
        ("balance", "- 1", "balance is 99, its entries say 100"),
        ("held", "- 25", "held is 0, its open holds say 25"),
        ("held", "+ 5", "held is 30, its open holds say 25"),
        ("debt", "+ 7", "debt is 7, its entries say 0"),
    ],
)
def test_an_account_that_its_entries_do_not_explain_is_named(column: str, change: str, told: str) -> None:
    factories.pending_generation(factories.site())
    site = factories.site(credits=100)
    factories.pending_generation(site)
    _sql(f"UPDATE credits_creditaccount SET {column} = {column} {change} WHERE site_id = %s", site.pk)

    assert _complaint() == f"site {site.pk}: {told}\n"


def test_an_account_without_any_entry_is_checked_too() -> None:
    site = factories.site(credits=0)
    _sql("INSERT INTO credits_creditaccount (site_id, balance, held, debt) VALUES (%s, 9, 4, 2)", site.pk)

    complaint = _complaint()

    for told in ("balance is 9, its entries say 0", "held is 4, its open holds say 0", "debt is 2, its entries say 0"):
        assert told in complaint


def test_an_entry_that_moved_nothing_is_found() -> None:
    site = factories.site(credits=100)
    _sql(
        "INSERT INTO credits_credit (account_id, kind, amount, balance_change, debt_change, reason)"
        " SELECT id, 'grant', 40, 40, 0, '' FROM credits_creditaccount WHERE site_id = %s",
        site.pk,
    )

    assert "balance is 100, its entries say 140" in _complaint()


@pytest.mark.parametrize(
    ("make", "kind", "told"),
    [
        (factories.done_generation, "capture", "is DONE with 1 open holds and 0 captures"),
        (factories.failed_generation, "release", "is FAILED with 1 open holds and 0 captures"),
    ],
)
def test_a_missing_settlement_is_found(make: Any, kind: str, told: str) -> None:
    generation = make()
    with _past_the_trigger():
        _sql("DELETE FROM credits_credit WHERE kind = %s", kind)

    assert f"blog {generation.pk} {told}" in _complaint()


@pytest.mark.parametrize("make", [factories.pending_generation, factories.processing_generation])
def test_an_unpaid_blog_is_found(make: Any) -> None:
    generation = make()
    with _past_the_trigger():
        _sql("DELETE FROM credits_credit WHERE generation_id = %s", generation.pk)
    _sql("UPDATE credits_creditaccount SET held = 0")

    assert f"blog {generation.pk} is {generation.status} without any entry" in _complaint()


def test_a_blog_of_a_site_without_an_account_is_found() -> None:
    generation = factories.pending_generation()
    with _past_the_trigger():
        _sql("DELETE FROM credits_credit")
    _sql("DELETE FROM credits_creditaccount")

    assert f"blog {generation.pk}" in _complaint()


def test_a_changed_price_is_found() -> None:
    factories.pending_generation(factories.site(credits=100))
    with _past_the_trigger():
        _sql("UPDATE credits_credit SET amount = 20 WHERE kind = 'hold'")

    assert "held is 25, its open holds say 20" in _complaint()


@pytest.mark.parametrize(
    ("status", "columns", "told"),
    [
        ("CANCELLED", "", "is CANCELLED with 1 open holds and 0 captures"),
        ("FAILED", ", error_code = 'x'", "is FAILED with 1 open holds and 0 captures"),
        ("DONE", ", draft_post_id = gen_random_uuid()", "is DONE with 1 open holds and 0 captures"),
    ],
)
def test_a_blog_that_ended_past_the_ledger_is_found(status: str, columns: str, told: str) -> None:
    generation = factories.pending_generation()
    _sql(
        "UPDATE blog_generations SET status = %s, ready = false,"
        f" finished_at = clock_timestamp() {columns} WHERE id = %s",
        status,
        generation.pk,
    )

    assert f"blog {generation.pk} {told}" in _complaint()


def test_a_blog_that_runs_although_it_is_paid_is_found() -> None:
    generation = factories.done_generation()
    _sql(
        "UPDATE blog_generations SET status = 'PENDING', ready = true,"
        " finished_at = NULL, draft_post_id = NULL WHERE id = %s",
        generation.pk,
    )

    assert f"blog {generation.pk} is PENDING with 0 open holds and 1 captures" in _complaint()


def test_a_settlement_booked_to_another_blog_is_found() -> None:
    site = factories.site()
    done, failed = factories.done_generation(site), factories.failed_generation(site)
    with _past_the_trigger():
        _sql("UPDATE credits_credit SET generation_id = %s WHERE kind = 'capture'", failed.pk)

    complaint = _complaint()

    assert f"blog {done.pk} is DONE with 1 open holds" in complaint
    assert f"blog {failed.pk} is FAILED" in complaint


def test_a_hold_on_the_account_of_another_site_is_found() -> None:
    generation = factories.pending_generation()
    other = ledger.lock(factories.site().pk)
    with _past_the_trigger():
        _sql("UPDATE credits_credit SET account_id = %s WHERE generation_id = %s", other.pk, generation.pk)

    assert "held is 25, its open holds say 0" in _complaint()


@pytest.mark.slow_process
@pytest.mark.django_db(transaction=True)
def test_an_operators_shell_sees_it_in_the_exit_code() -> None:
    site = factories.site(credits=100)
    exact = run("manage.py", "check_ledger")
    _sql("UPDATE credits_creditaccount SET balance = balance + 1")

    wrong = run("manage.py", "check_ledger")

    assert (exact.returncode, wrong.returncode) == (0, 1), exact.stderr + wrong.stderr
    assert f"site {site.pk}: balance is 101, its entries say 100" in wrong.stderr
