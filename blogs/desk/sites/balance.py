"""A shop's balance at the end of each of the last ninety days, as a chart."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import connection
from django.utils import timezone

from blogs.desk.charts import Chart, Series, Times
from credits.models import CreditAccount

DAYS = 90
# Of a shop with more entries than this, only the days of these are drawn. A blog makes two.
_ENTRIES_READ = 20_000

_CHANGES = """
SELECT created_at::date, sum(balance_change), count(*), min(created_at) FROM (
    SELECT created_at, balance_change FROM credits_credit WHERE account_id = %s ORDER BY id DESC LIMIT %s
) AS newest GROUP BY 1
"""


def chart(account: CreditAccount | None) -> Chart | None:
    """Draw it, counting back from what the account has now; None for a shop without an account."""
    if account is None:
        return None
    today = timezone.now().date()
    days = [today - timedelta(days=ago) for ago in range(DAYS, -1, -1)]
    changes, known_since = _changes(account)
    balances = _balances(days, account.balance, changes, known_since)
    return Chart(
        name="balance",
        title=f"Balance at the end of each day, last {DAYS} days",
        unit="credits",
        times=Times(
            [f"{day}" for day in days], ((0, f"{days[0]}"), (0.5, f"{days[DAYS // 2]}"), (1, "today")), "Day (UTC)"
        ),
        series=[Series("Balance", balances, "line")],
    )


def _changes(account: CreditAccount) -> tuple[dict[date, int], date]:
    """Sum the changes up by day; say of which day and all later ones every entry was read."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, [account.pk, _ENTRIES_READ])
        rows: list[tuple[date, int, int, datetime]] = cursor.fetchall()
    has_all = sum(count for _, _, count, _ in rows) < _ENTRIES_READ
    known_since = date.min if has_all else min(day for day, *_ in rows)
    return {day: int(change) for day, change, *_ in rows}, known_since


def _balances(days: list[date], now: int, changes: dict[date, int], known_since: date) -> list[float | None]:
    balances, balance = list[float | None](), now
    for day in reversed(days):
        # On the first day of which entries were left out, its end is still known.
        balances.append(balance if day >= known_since else None)
        balance -= changes.get(day, 0)
    return balances[::-1]
