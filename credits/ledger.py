"""The only file in which money moves.

Hold when a blog is submitted, capture when it is DONE, release when it is FAILED or CANCELLED; staff grant, adjust and refund.
Every function runs inside its caller's transaction, which locks the account's row first (lock order: `blogs/queue/lines.py`). The
account is the lock and the running total. The entries are the proof, which `check_ledger` adds up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import F

from credits.models import Credit, CreditAccount
from workers.database.prepared import Prepared

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

Kind = Credit.Kind


class NoOpenHold(Exception):
    """A blog's credits were to be spent or freed, and none are held for it: a bug of ours."""


class NothingToRefund(Exception):
    """A blog's credits were never spent, or were given back before; str() says which, for a person."""


class InsufficientCredits(Exception):
    """The account has fewer free credits than the blog costs."""

    def __init__(self, *, required: int, available: int) -> None:
        super().__init__(f"a blog costs {required} credits, {available} are available")
        self.required = required
        self.available = available


def lock(site_id: int) -> CreditAccount:
    """Lock the site's account for the rest of the transaction; it is opened on first use."""
    assert connection.in_atomic_block
    while not (found := list(CreditAccount.objects.raw(_LOCK, [site_id]))):
        open_account(site_id)
    return found[0]


def open_account(site_id: int) -> None:
    """Open the site's account if there is none yet."""
    CreditAccount.objects.bulk_create([CreditAccount(site_id=site_id)], ignore_conflicts=True)


_LOCK = 'SELECT id, site_id, balance, held, debt FROM "credits_creditaccount" WHERE site_id = %s FOR UPDATE'


def hold(account: CreditAccount, generation_id: int, amount: int) -> Credit:
    """Set credits aside for a blog. Raises InsufficientCredits; a second hold while one is open violates a constraint."""
    entry = list(Credit.objects.raw(_HOLD, {"account": account.pk, "generation": generation_id, "amount": amount}))
    if not entry:
        raise insufficient(account.site_id, amount)
    return entry[0]


# The two halves of a hold, for the statement that stores a new blog between them (`blogs/queue/statements.py`, ENTER). It fills in
# the names. SET_ASIDE takes the account's lock and returns no row where the credits don't suffice, or where the account was closed
# since the statement began (`closings`, as the statement has read it); HOLD writes the entry.
SET_ASIDE = """
UPDATE credits_creditaccount SET held = held + %(amount)s
 WHERE id = {account} AND balance >= held + %(amount)s AND closings = {closings} RETURNING id AS account_id
"""
HOLD = """
INSERT INTO credits_credit (account_id, kind, amount, balance_change, debt_change, generation_id, hold_number, reason)
SELECT account_id, 'hold', %(amount)s, 0, 0, {blog},
       (SELECT count(*) FROM credits_credit WHERE generation_id = {blog} AND kind = 'release'), '' FROM {holding}
RETURNING *
"""
_HOLD = f"""
WITH account AS ({SET_ASIDE.format(account="%(account)s", closings="closings")})
{HOLD.format(blog="%(generation)s", holding="account")}
"""


def close(account: CreditAccount) -> None:
    """Let no statement hold credits of a locked account that has read it before this: its site is being removed.

    A statement reads all tables as they were when it began, but for the row whose lock it has waited for.
    """
    CreditAccount.objects.filter(pk=account.pk).update(closings=F("closings") + 1)


def held_for(generation_id: int) -> int:
    """Return how many credits are held for a blog now; 0 where none are."""
    entries = Credit.objects.filter(generation_id=generation_id, kind__in=[Kind.HOLD, Kind.CAPTURE, Kind.RELEASE])
    return sum(amount if kind == Kind.HOLD else -amount for kind, amount in entries.values_list("kind", "amount"))


def held_for_each(generation_ids: Sequence[int]) -> dict[int, int]:
    """Return the same for several blogs; those for which nothing is held are left out."""
    if not generation_ids:
        return {}
    kinds = [Kind.HOLD, Kind.CAPTURE, Kind.RELEASE]
    entries = Credit.objects.filter(generation_id__in=generation_ids, kind__in=kinds)
    held: dict[int, int] = {}
    for blog, kind, amount in entries.values_list("generation_id", "kind", "amount"):
        held[blog] = held.get(blog, 0) + (amount if kind == Kind.HOLD else -amount)
    return {blog: amount for blog, amount in held.items() if amount}


def insufficient(site_id: int, amount: int) -> InsufficientCredits:
    """Make the error that says how many credits there are."""
    account = CreditAccount.objects.get(site_id=site_id)
    return InsufficientCredits(required=amount, available=account.available)


def capture(account: CreditAccount, generation_id: int) -> None:
    """Spend the credits that are held for a blog. Raises NoOpenHold."""
    _settle(account, generation_id, Kind.CAPTURE, reason="")


def release(account: CreditAccount, generation_id: int, *, reason: str) -> None:
    """Free the credits that are held for a blog. Raises NoOpenHold."""
    _settle(account, generation_id, Kind.RELEASE, reason=reason)


def grant(
    account: CreditAccount,
    amount: int,
    *,
    reason: str,
    created_by: AbstractBaseUser | None = None,
    idempotency_key: str | None = None,
) -> Credit | None:
    """Give credits, which pay an open debt first. None: the key was used before, and nothing is given twice."""
    if amount <= 0:
        raise ValueError("a grant is a positive number of credits; to take some away, adjust")
    return _change(account, Kind.GRANT, amount, reason=reason, created_by=created_by, idempotency_key=idempotency_key)


def adjust(
    account: CreditAccount,
    change: int,
    *,
    reason: str,
    created_by: AbstractBaseUser | None = None,
    idempotency_key: str | None = None,
) -> Credit | None:
    """Correct a balance up or down. A deduction takes only free credits, no held ones; the rest of it becomes debt."""
    if not change:
        raise ValueError("an adjustment of 0 credits changes nothing")
    return _change(account, Kind.ADJUST, change, reason=reason, created_by=created_by, idempotency_key=idempotency_key)


def refund(
    account: CreditAccount, generation_id: int, *, reason: str, created_by: AbstractBaseUser | None = None
) -> Credit:
    """Give back what a blog has cost, once for each blog however many ask; it pays an open debt first. Raises NothingToRefund."""
    paid = Credit.objects.filter(generation_id=generation_id, kind=Kind.CAPTURE, account=account).first()
    if paid is None:
        raise NothingToRefund("no credits were spent on it")
    fields: dict[str, Any] = {"reason": reason, "created_by": created_by, "generation_id": generation_id}
    entry = _change(account, Kind.REFUND, paid.amount, **fields, idempotency_key=f"refund:{generation_id}")
    if entry is None:
        raise NothingToRefund("its credits were given back before")
    return entry


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One thing that does not add up."""

    account_id: int | None
    site_id: int
    problem: str


def discrepancies() -> list[Discrepancy]:
    """Return what does not add up between accounts and entries, in one reading of both.

    What the blogs say about it is compared in the room above, which knows their states.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # It reads everything anyway. By statistics from when the tables were empty, a nested loop would read all once an account.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(_SUMS)
        return [Discrepancy(*row) for row in cursor.fetchall()]


# One statement, so one snapshot: accounts that move meanwhile can't look like errors.
_SUMS = """
WITH sums AS (
    SELECT account_id,
           sum(balance_change) AS balance,
           sum(debt_change) AS debt,
           sum(amount) FILTER (WHERE kind = 'hold') AS holds,
           sum(amount) FILTER (WHERE kind IN ('capture', 'release')) AS settled
      FROM credits_credit GROUP BY account_id
)
SELECT a.id, a.site_id, format('balance is %s, its entries say %s', a.balance, coalesce(s.balance, 0))
  FROM credits_creditaccount a LEFT JOIN sums s ON s.account_id = a.id WHERE a.balance <> coalesce(s.balance, 0)
UNION ALL
SELECT a.id, a.site_id, format('debt is %s, its entries say %s', a.debt, coalesce(s.debt, 0))
  FROM credits_creditaccount a LEFT JOIN sums s ON s.account_id = a.id WHERE a.debt <> coalesce(s.debt, 0)
UNION ALL
SELECT a.id, a.site_id,
       format('held is %s, its open holds say %s', a.held, coalesce(s.holds, 0) - coalesce(s.settled, 0))
  FROM credits_creditaccount a LEFT JOIN sums s ON s.account_id = a.id
 WHERE a.held <> coalesce(s.holds, 0) - coalesce(s.settled, 0)
ORDER BY 1
"""


# Closes the blog's one open hold; `spent` is 1 if its credits are spent, 0 if they are free again. One statement, since every blog
# ends with this round trip.
_SETTLE = Prepared(
    "settle_hold",
    """
WITH held AS MATERIALIZED (
    SELECT id, amount FROM credits_credit hold
     WHERE generation_id = %(generation)s AND kind = 'hold'
       AND NOT EXISTS (
           SELECT 1 FROM credits_credit settled WHERE settled.generation_id = %(generation)s AND settled.hold_id = hold.id)
), account AS (
    UPDATE credits_creditaccount a SET held = a.held - held.amount, balance = a.balance - held.amount * %(spent)s
      FROM held WHERE a.id = %(account)s RETURNING a.id
)
INSERT INTO credits_credit (account_id, kind, amount, balance_change, debt_change, generation_id, hold_id, reason)
SELECT account.id, %(kind)s, held.amount, -held.amount * %(spent)s, 0, %(generation)s, held.id, %(reason)s FROM account, held
""",
)


def _settle(account: CreditAccount, generation_id: int, kind: Credit.Kind, *, reason: str) -> None:
    spent = int(kind == Kind.CAPTURE)
    with connection.cursor() as cursor:
        _SETTLE.execute(
            cursor,
            {"account": account.pk, "generation": generation_id, "kind": kind, "spent": spent, "reason": reason},
        )
        if cursor.rowcount != 1:
            raise NoOpenHold(f"blog {generation_id} has no open hold to {kind}")


def _change(account: CreditAccount, kind: Credit.Kind, change: int, **fields: Any) -> Credit | None:
    key = fields["idempotency_key"]
    if key and Credit.objects.filter(idempotency_key=key).exists():
        return None
    account.refresh_from_db(fields=["balance", "held", "debt"])
    debt_change = -min(account.debt, change) if change > 0 else -change - min(account.available, -change)
    balance_change = change + debt_change
    CreditAccount.objects.filter(pk=account.pk).update(
        balance=F("balance") + balance_change, debt=F("debt") + debt_change
    )
    return _write(account, kind, abs(change), balance_change=balance_change, debt_change=debt_change, **fields)


def _write(account: CreditAccount, kind: Credit.Kind, amount: int, **fields: Any) -> Credit:
    return Credit.objects.create(account=account, kind=kind, amount=amount, **{"balance_change": 0, **fields})
