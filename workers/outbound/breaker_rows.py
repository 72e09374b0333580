"""The rows of the breakers, which all workers share, and of the failures that open them. The rules are told in `breakers`."""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.expressions import Combinable

from workers.context.on_behalf import Caller
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.database.connections import briefly
from workers.errors import AccountRefused, ProviderFailure
from workers.models import Breaker, BreakerFailure

logger = logging.getLogger(__name__)

# Longer than any work waits between two of its failures.
_KEPT_SECONDS = 3_600.0
# Without calls of other works nothing tells a poisonous work from an outage. After this time its failures are taken for its own.
_ALONE_SECONDS = 1_800.0
# A permission, or a request, that is refused opens the breaker at this many refusals, of this many parties.
_REFUSALS = 2


class Verdict(enum.Enum):
    DOWN = "the provider is down: the failure costs the work no attempt"
    DOUBT = "it may be the provider or the work: it costs no attempt yet"
    OWN = "calls of other works get through: it costs an attempt"


@briefly
def judge(
    provider: str, caller: Caller, error: ProviderFailure | AccountRefused, began: float, *, probe: bool
) -> Verdict:
    """Note the failure of a call that `began` at that monotonic time, which may open the breaker; return whose failure it is."""
    with transaction.atomic():
        return _judge(_locked(provider), caller, error, began, probe=probe)


def _judge(
    breaker: Breaker, caller: Caller, error: ProviderFailure | AccountRefused, began: float, *, probe: bool
) -> Verdict:
    if breaker.opened_at:
        if probe:
            next_at = seconds_from_now(settings.BREAKER_PROBE_SECONDS)
            _rows(breaker).filter(held_by="").update(code=_code(error), reason=error.message, probe_at=next_at)
        return Verdict.DOWN
    if _rows(breaker).filter(closed_at__gte=_monotonic(began)).exists():
        return Verdict.DOUBT  # a call that has hung since before it closed says nothing of the time after
    failures = BreakerFailure.objects.filter(provider=breaker.provider)
    alike = _alike(error)
    is_own = not (isinstance(error, AccountRefused) and error.for_all) and (
        failures.filter(own=True, work=caller.work).exists() or _is_alone(failures.filter(**alike), caller, error)
    )
    failures.filter(own=True, work=caller.work).delete()
    failures.create(provider=breaker.provider, party=caller.party, work=caller.work, own=is_own, **alike)
    if _is_enough(failures.filter(**alike), error):
        failures.filter(own=False, refusal=False).delete()
        _open(breaker, error)
        return Verdict.DOWN
    return Verdict.OWN if is_own else Verdict.DOUBT


def _alike(error: ProviderFailure | AccountRefused) -> dict[str, Any]:
    """Return the columns of the failures that count together with this one."""
    refusal = isinstance(error, AccountRefused)
    return {"refusal": refusal, "sign": error.sign if isinstance(error, AccountRefused) else ""}


def _is_alone(failures: QuerySet[BreakerFailure], caller: Caller, error: ProviderFailure | AccountRefused) -> bool:
    """Tell whether this work first failed long enough ago, and no other has failed since; for a refusal: no other party's.

    What is refused to one party, whatever the number of its works, is its own affair. But where all of one party's works fail, the
    provider may be down while no other party asks it for anything.
    """
    refusal = isinstance(error, AccountRefused)
    seconds = settings.BREAKER_WINDOW_SECONDS if refusal else _ALONE_SECONDS
    first = failures.filter(work=caller.work, own=False, at__lt=seconds_from_now(-seconds)).order_by("at").first()
    its_own = Q(party=caller.party) if refusal else Q(work=caller.work)
    return first is not None and not failures.filter(at__gte=first.at).exclude(its_own).exists()


def _is_enough(failures: QuerySet[BreakerFailure], error: ProviderFailure | AccountRefused) -> bool:
    if isinstance(error, AccountRefused):
        needed, needed_parties = (1, 1) if error.for_all else (_REFUSALS, _REFUSALS)
    else:
        needed, needed_parties = settings.BREAKER_FAILURES, settings.BREAKER_SITES
    recent = failures.filter(own=False, at__gt=seconds_from_now(-settings.BREAKER_WINDOW_SECONDS))
    found = recent.aggregate(all=Count("id"), parties=Count("party", distinct=True))
    return bool(found["all"] >= needed and found["parties"] >= needed_parties)


def _open(breaker: Breaker, error: ProviderFailure | AccountRefused) -> None:
    _rows(breaker).update(
        opened_at=ClockTimestamp(),
        probe_at=seconds_from_now(settings.BREAKER_PROBE_SECONDS),
        probe_party=None,
        code=_code(error),
        reason=error.message,
        **_changed(""),
    )
    _say(logging.ERROR, "provider down", provider=breaker.provider, code=_code(error), reason=error.message)


def _code(error: ProviderFailure | AccountRefused) -> str:
    return error.code_for_all if isinstance(error, AccountRefused) else error.code


@briefly
def got_through(provider: str, caller: Caller, began: float) -> None:
    """Note that a call which began then has got an answer: what other works failed at before it is theirs if they fail again."""
    doubts = BreakerFailure.objects.filter(provider=provider, own=False, at__lt=_monotonic(began))
    doubts.exclude(work=caller.work).update(own=True)


@briefly
def claim_probe(provider: str, caller: Caller, seconds: float) -> bool:
    """Try to become the probe, for a call of at most `seconds`; False if it is not this caller's turn.

    The same party gets a second turn only if no other has wanted one for another BREAKER_PROBE_SECONDS.
    """
    unwanted = Q(probe_at__lte=seconds_from_now(-settings.BREAKER_PROBE_SECONDS))
    another = Q(probe_party=None) | ~Q(probe_party=caller.party) | unwanted
    due = Breaker.objects.filter(another, opened_at__isnull=False, held_by="", probe_at__lte=ClockTimestamp())
    return due.filter(pk=provider).update(probe_party=caller.party, probe_at=seconds_from_now(seconds)) > 0


@briefly
def release_probe(provider: str, seconds: float) -> None:
    """Give the probe's turn back, since its call was neither answered nor failed; the next may try after `seconds`."""
    found = Breaker.objects.filter(pk=provider, opened_at__isnull=False, held_by="")
    found.update(probe_at=seconds_from_now(seconds))


@briefly
def close(provider: str, tell: Callable[[str], object], *, began: float = 0.0, by: str = "", reason: str = "") -> bool:
    """Close a breaker, for a probe that `began` then or for a member of staff (`by`), and call `tell`, all in one transaction.

    A crash between closing and telling would leave the works waiting that wait for this provider. Returns False if the breaker was
    closed already, is held open, or has opened since the probe began.
    """
    with transaction.atomic():
        found = Breaker.objects.filter(pk=provider, opened_at__isnull=False)
        if not by:
            found = found.filter(held_by="", opened_at__lte=_monotonic(began))
        nothing = {"opened_at": None, "probe_at": None, "probe_party": None, "held_by": "", "code": ""}
        closed = found.update(closed_at=ClockTimestamp(), reason=reason, **nothing, **_changed(by))
        if closed:
            _forgive(provider, by)
            tell(provider)
            _say(logging.WARNING, "provider back", provider=provider, by=by, reason=reason)
    return closed > 0


def _forgive(provider: str, by: str) -> None:
    """Settle the refusals that opened the breaker.

    If a probe got through, either only the refused works are refused, or the cause is mended: another refusal is the work's own. If
    staff closed it, the cause is mended.
    """
    refused = BreakerFailure.objects.filter(provider=provider, refusal=True)
    if by:
        refused.delete()
    else:
        refused.update(own=True)


def hold_open(provider: str, *, by: str, reason: str) -> None:
    """Open a breaker by hand; no probe closes it."""
    with transaction.atomic():
        breaker = _locked(provider)
        opened_at = {} if breaker.opened_at else {"opened_at": ClockTimestamp()}
        _rows(breaker).update(code="held_open", reason=reason, held_by=by, probe_at=None, **opened_at, **_changed(by))
        _say(logging.WARNING, "provider held open", provider=provider, by=by, reason=reason)


def is_open_for_sure(provider: str) -> bool:
    """Tell whether a breaker is open, and lock it: it can't close before the caller's transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT opened_at IS NOT NULL FROM workers_breaker WHERE provider = %s FOR SHARE", [provider])
        row = cursor.fetchone()
    return row is not None and bool(row[0])


@briefly
def read() -> list[tuple[str, bool, bool, float]]:
    """Read for each provider: whether it is open, whether failures are in doubt, in how many seconds the next probe is due."""
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        return list(cursor.fetchall())


_READ = """
SELECT provider, opened_at IS NOT NULL,
       EXISTS (SELECT 1 FROM workers_breakerfailure failure WHERE failure.provider = breaker.provider AND NOT own),
       coalesce(extract(epoch FROM probe_at - clock_timestamp()), 'infinity')::float
  FROM workers_breaker breaker
"""


def prune() -> None:
    BreakerFailure.objects.filter(at__lt=seconds_from_now(-_KEPT_SECONDS)).delete()


def _locked(provider: str) -> Breaker:
    """Lock the breaker's row, so that failures are judged one at a time and exactly one of them opens it."""
    Breaker.objects.bulk_create([Breaker(provider=provider)], ignore_conflicts=True)
    return Breaker.objects.select_for_update().get(pk=provider)


def _rows(breaker: Breaker) -> QuerySet[Breaker]:
    return Breaker.objects.filter(pk=breaker.pk)


def _monotonic(at: float) -> Combinable:
    """Translate a moment of this process's monotonic time into PostgreSQL's clock."""
    return seconds_from_now(at - time.monotonic())


def _changed(by: str) -> dict[str, Combinable | str]:
    return {"changed_at": ClockTimestamp(), "changed_by": by}


def _say(level: int, what: str, **about: str) -> None:
    about["action"] = "breaker_closed" if what == "provider back" else "breaker_open"
    transaction.on_commit(partial(logger.log, level, what, extra=about))
