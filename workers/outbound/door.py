"""The one door to other people's services.

It asks the breaker whether the service is up, waits for a place in the limit, sets a deadline for the whole call, turns failures
into our errors, and writes one log line and one metric.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from workers import limits, metrics
from workers.context.deadline import DeadlineExceeded, has_ended, within
from workers.context.departure import MissedPlace, leaving_by
from workers.database.connections import release_connection
from workers.errors import AccountRefused, ProviderFailure, RateLimited, TransientError, WorkError
from workers.limits import Limit, Named, Reservation, learning, provider_calls
from workers.limits.provider_calls import Usage
from workers.outbound import breakers
from workers.outbound.breakers import Passage

logger = logging.getLogger(__name__)
T = TypeVar("T")

# A call that had less time than this says nothing of its provider when it is over.
_FAIR_SECONDS = 5.0
# A machine that misses this many places in a row is too busy.
_PLACES = 5


@dataclass(slots=True)
class Call:
    """Holds what a request learns about itself while it runs, for the log and the limiter."""

    tokens_used: int | None = None
    request_id: str = ""
    named: Named | None = None  # what the answer says of our limit
    usage: Usage | None = None
    """Set if a row is to be kept about the call, whatever its end."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Describes one service: which exceptions its client raises, and which of our errors each of them is."""

    name: str
    raises: tuple[type[Exception], ...]
    explain: Callable[[Exception], WorkError]
    part: str = ""
    """Names a part of the service that may be down by itself; it has a breaker of its own."""

    @property
    def breaker(self) -> str:
        return f"{self.name}_{self.part}" if self.part else self.name


def call(
    provider: Provider,
    operation: str,
    request: Callable[[Call], T],
    *,
    limit: Limit,
    seconds: float,
    tokens: int = 0,
    patience: float = math.inf,
) -> T:
    """Make one request of at most `seconds`, after a place for it (and `tokens`) in `limit` has come, if that is within `patience`.

    Raises RateLimited, TransientError or PermanentError, and nothing else that `provider` knows of.
    """
    release_connection()
    for _ in range(_PLACES):
        breakers.look(provider.breaker)
        reservation = limits.acquire(limit, tokens=tokens, patience=patience)
        try:
            return _make(provider, operation, request, reservation, seconds)
        except MissedPlace:
            continue
    raise RateLimited("rate_limited", "This machine is late for each place it gets.", guess=10)


def _make(
    provider: Provider, operation: str, request: Callable[[Call], T], reservation: Reservation, seconds: float
) -> T:
    """Raises MissedPlace too; then no request was sent."""
    attempt = Call()
    outcome = "aborted"  # unless it comes to an answer or to an error of the provider's
    with breakers.passage(provider.breaker, seconds) as passage, leaving_by(reservation.leave_by) as departure:
        try:
            with within(seconds):
                answer = request(attempt)
            outcome = "ok"
        except provider.raises + (DeadlineExceeded, MissedPlace, WorkError) as error:  # noqa: RUF005  mypy reads only a sum
            if departure.missed:
                raise MissedPlace from error
            explained = _explain(provider, error, seconds, time.monotonic() - passage.began)
            outcome = explained.code
            for_this_work = _consequence(passage, reservation.limit, explained)
            if for_this_work is error:
                raise
            raise for_this_work from error
        finally:
            if not departure.missed:
                took = time.monotonic() - passage.began
                _settle(provider, operation, outcome, took, reservation, attempt)
                learning.note(reservation.limit, attempt.named, began=passage.began)
                _report(provider, operation, outcome, took, reservation, attempt)
        passage.answered()
        return answer


def _consequence(passage: Passage, limit: Limit, error: WorkError) -> WorkError:
    """Tell breaker and limit what the error says of the provider; return the error that it is for this work."""
    match error:
        case ProviderFailure() | AccountRefused():
            return passage.failed(error)
        case RateLimited():
            limits.block(limit, error.retry_in, error.too_fast)
            passage.throttled()
        case _:
            passage.answered()
    return error


def _explain(provider: Provider, error: Exception, seconds: float, took: float) -> WorkError:
    if ours := _ours(error):
        return ours
    late = TransientError(
        "timeout", f"{provider.name} did not finish its answer within {min(seconds, took):.0f} seconds."
    )
    if has_ended() and took < _FAIR_SECONDS:
        return late  # waiting for its place had used up the stage's time
    if isinstance(error, DeadlineExceeded):
        return ProviderFailure(late.code, late.message)
    return provider.explain(error)


def _ours(error: BaseException | None) -> WorkError | None:
    """Find an error of ours, which a library may have turned into one of its own."""
    while error is not None and not isinstance(error, WorkError):
        error = error.__cause__
    return error


def _settle(
    provider: Provider, operation: str, outcome: str, took: float, reservation: Reservation, attempt: Call
) -> None:
    if not attempt.usage:
        return
    call = provider_calls.row(
        provider.name,
        operation,
        outcome,
        took,
        request_id=attempt.request_id,
        tokens_reserved=reservation.tokens,
        usage=attempt.usage,
    )
    limits.settle(reservation, attempt.tokens_used, call)


def _report(
    provider: Provider, operation: str, outcome: str, took: float, reservation: Reservation, attempt: Call
) -> None:
    metrics.observe_call(provider.name, operation, outcome, took)
    if usage := attempt.usage:
        metrics.count(metrics.TOKENS, usage.kind, "reserved", by=reservation.tokens)
        metrics.count(metrics.TOKENS, usage.kind, "prompt", by=usage.prompt_tokens or 0)
        metrics.count(metrics.TOKENS, usage.kind, "output", by=usage.output_tokens or 0)
    logger.log(
        logging.INFO if outcome == "ok" else logging.WARNING,
        "outside call",
        extra={
            "action": "call",
            "provider": provider.name,
            "operation": operation,
            "outcome": outcome,
            "ms": round(took * 1000),
            "waited_ms": round(reservation.waited * 1000),
            "request_id": attempt.request_id,
            **(
                {"tokens_reserved": reservation.tokens, "tokens_used": attempt.tokens_used}
                if attempt.tokens_used
                else {}
            ),
        },
    )
