"""Where money moves.

Hold at submit, capture when a blog is DONE, release when it is FAILED or CANCELLED; grant and adjust by staff. Every function
runs inside its caller's transaction, with the account's row locked first (lock order: credit account, site line, blog). The
account is the lock and the running total; the entries are the proof, which `check_ledger` adds up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import F

from credits.models import Credit, CreditAccount

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

Kind = Credit.Kind


class InsufficientCredits(Exception):
    def __init__(self, *, required: int, available: int) -> None:
        super().__init__(f"a blog costs {required} credits, {available} are available")
        self.required = required
        self.available = available


def lock(site_id: int) -> CreditAccount:
    """The site's account, locked for the rest of the transaction; opened on first use."""
    assert connection.in_atomic_block
    account = CreditAccount.objects.select_for_update().filter(site_id=site_id).first()
    if account is None:
        CreditAccount.objects.bulk_create([CreditAccount(site_id=site_id)], ignore_conflicts=True)
        account = CreditAccount.objects.select_for_update().get(site_id=site_id)
    return account


def hold(account: CreditAccount, generation_id: int, amount: int) -> Credit:
    """Set credits aside for a blog. Raises InsufficientCredits; a second hold while one is open violates a constraint."""
    free = CreditAccount.objects.filter(pk=account.pk, balance__gte=F("held") + amount)
    if not free.update(held=F("held") + amount):
        account.refresh_from_db(fields=["balance", "held"])
        raise InsufficientCredits(required=amount, available=account.available)
    released = Credit.objects.filter(generation_id=generation_id, kind=Kind.RELEASE).count()
    return _write(account, Kind.HOLD, amount, generation_id=generation_id, hold_number=released)


def capture(account: CreditAccount, generation_id: int) -> Credit:
    """The blog is done: its held credits are spent."""
    held = _open_hold(generation_id)
    CreditAccount.objects.filter(pk=account.pk).update(held=F("held") - held.amount, balance=F("balance") - held.amount)
    return _write(
        account, Kind.CAPTURE, held.amount, balance_change=-held.amount, generation_id=generation_id, hold=held
    )


def release(account: CreditAccount, generation_id: int, *, reason: str) -> Credit:
    """The blog will not come: its held credits are free again."""
    held = _open_hold(generation_id)
    CreditAccount.objects.filter(pk=account.pk).update(held=F("held") - held.amount)
    return _write(account, Kind.RELEASE, held.amount, generation_id=generation_id, hold=held, reason=reason)


def grant(
    account: CreditAccount,
    amount: int,
    *,
    reason: str,
    created_by: AbstractBaseUser | None = None,
    idempotency_key: str | None = None,
) -> Credit | None:
    """Give credits; an open debt is paid from them first. None if this key was used before: nothing is given twice."""
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
    """Correct a balance up or down. What is held for running blogs stays: the rest of a larger deduction becomes debt."""
    if not change:
        raise ValueError("an adjustment of 0 credits changes nothing")
    return _change(account, Kind.ADJUST, change, reason=reason, created_by=created_by, idempotency_key=idempotency_key)


@dataclass(frozen=True, slots=True)
class Discrepancy:
    account_id: int | None
    site_id: int
    problem: str


def discrepancies() -> list[Discrepancy]:
    """What does not add up, in one reading of accounts and entries; empty is the proof that the ledger is exact."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMS)
        return [Discrepancy(*row) for row in cursor.fetchall()]


# One statement, so one snapshot: blogs that move meanwhile can't look like errors.
_SUMS = """
WITH sums AS (
    SELECT account_id,
           sum(balance_change) AS balance,
           sum(debt_change) AS debt,
           sum(amount) FILTER (WHERE kind = 'hold') AS holds,
           sum(amount) FILTER (WHERE kind IN ('capture', 'release')) AS settled
      FROM credits_credit GROUP BY account_id
), blogs AS (
    SELECT c.account_id, c.generation_id,
           count(*) FILTER (WHERE kind = 'hold') - count(*) FILTER (WHERE kind IN ('capture', 'release')) AS open_holds,
           count(*) FILTER (WHERE kind = 'capture') AS captures,
           min(g.status) AS status
      FROM credits_credit c LEFT JOIN blog_generations g ON g.id = c.generation_id
     WHERE c.generation_id IS NOT NULL
     GROUP BY c.account_id, c.generation_id
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
UNION ALL
SELECT a.id, a.site_id,
       format('blog %s is %s with %s open holds and %s captures', b.generation_id, b.status, open_holds, captures)
  FROM blogs b JOIN credits_creditaccount a ON a.id = b.account_id
 WHERE b.status IS NOT NULL
   AND (open_holds, captures) IS DISTINCT FROM CASE b.status
       WHEN 'DONE' THEN (0::bigint, 1::bigint)
       WHEN 'FAILED' THEN (0::bigint, 0::bigint) WHEN 'CANCELLED' THEN (0::bigint, 0::bigint)
       ELSE (1::bigint, 0::bigint) END
UNION ALL
SELECT a.id, g.site_id, format('blog %s is %s without any entry', g.id, g.status)
  FROM blog_generations g LEFT JOIN credits_creditaccount a ON a.site_id = g.site_id
 WHERE NOT EXISTS (SELECT 1 FROM credits_credit c WHERE c.generation_id = g.id)
ORDER BY 1
"""


def _open_hold(generation_id: int) -> Credit:
    """The blog's one open hold; that there is one is an invariant of `lifecycle`."""
    settled = Credit.objects.filter(generation_id=generation_id, hold__isnull=False).values("hold_id")
    return Credit.objects.exclude(pk__in=settled).get(generation_id=generation_id, kind=Kind.HOLD)


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
