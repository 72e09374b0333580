"""Breakers: while a provider is down for everybody, nobody asks it but a probe now and then.

One opens after BREAKER_FAILURES provider-wide failures (5xx, refused connections, timeouts) of BREAKER_SITES sites within
BREAKER_WINDOW_SECONDS without anybody getting through in between; at once where our key or quota is refused; and where a
permission is, once a second site has met it. It closes with the first success of a probe: one call at a time that is let through,
each of another site than the last. Staff may hold one open, and close any.

Who pays for a failure? Not the outage's victims: while a breaker is open no failure spends an attempt, a probe's neither, and what
opened it is forgotten, but for refusals. (A poison blog can't keep one open all the same, because the next probe is another
site's.) With a closed breaker a first failure is a doubt, and spends nothing: the work is put off for a moment. If another
work's call that began after it gets through, and the work then fails again, it is the work's own, and each further one spends an
attempt as any failure does: so poison ends FAILED, and harms nobody. It is also its own where nobody else has failed since its
first failure, half an hour ago, or of a refusal a window ago; and so is a refusal after a probe of another work got through. (By
work and not by site, or a shop that is alone at night would wait a day for its poison.)

All workers share it: one row a provider. They look at it once a second and after each failure of their own; a success is written
down only while there are doubts about somebody's failure.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from django.conf import settings

from workers.context.on_behalf import current
from workers.errors import AccountRefused, ProviderDown, ProviderFailure, RateLimited, WorkError
from workers.outbound import breaker_rows
from workers.outbound.breaker_rows import Verdict
from workers.outbound.breaker_states import State, states

# A failure that may be everybody's: until others have had time to get through, or to fail as well.
_DOUBT_SECONDS = 10.0
# Staff resume what they hold back; looking at it costs each blog an event.
_HELD_SECONDS = 600.0


@dataclass(slots=True)
class Passage:
    """One call's way through a breaker; whoever gets an answer or a failure says so, once."""

    provider: str
    probe: bool
    began: float = field(default_factory=time.monotonic)
    settled: bool = False

    def answered(self) -> None:
        """Whatever the answer says of the work."""
        self.settled = True
        if self.probe:
            breaker_rows.close(self.provider, _tell.get(), began=self.began)
            states.look_again()
        elif (caller := current()) and states.of(self.provider).doubts:
            breaker_rows.got_through(self.provider, caller, self.began)
            states.look_again()

    def failed(self, error: ProviderFailure | AccountRefused) -> WorkError:
        """What the failure is for this work."""
        self.settled = True
        if (caller := current()) is None:
            return error
        verdict = breaker_rows.judge(self.provider, caller, error, self.began, probe=self.probe)
        states.look_again()
        match verdict:
            case Verdict.DOWN:
                return ProviderDown(self.provider, retry_in=settings.BREAKER_PROBE_SECONDS)
            case Verdict.DOUBT:
                return RateLimited(error.code, error.message, retry_in=_doubt_seconds(error))
        return error

    def throttled(self) -> None:
        """A 429 says neither that it is up nor that it is down: a probe's turn is over, and the next comes as after a failure."""
        if self.probe:
            self.settled = True
            breaker_rows.release_probe(self.provider, settings.BREAKER_PROBE_SECONDS)


def _doubt_seconds(error: WorkError) -> float:
    return settings.BREAKER_WINDOW_SECONDS if isinstance(error, AccountRefused) else _DOUBT_SECONDS


def look(provider: str) -> None:
    """Before waiting for a place in its limit. Raises ProviderDown, unless it would be a probe's turn."""
    state = states.of(provider)
    if state.open and not state.probe_is_due:
        raise _down(provider, state)


@contextmanager
def passage(provider: str, seconds: float) -> Iterator[Passage]:
    """Around a call of at most `seconds`, when its place in the limit has come. Raises ProviderDown."""
    # As `look` has learned it, or others have since: whoever has a place in time must not wait for a database now.
    state = states.as_known(provider)
    if state.open and not (state.probe_is_due and _is_the_probe(provider, seconds)):
        raise _down(provider, state)
    way = Passage(provider, probe=state.open)
    try:
        yield way
    finally:
        if way.probe and not way.settled:
            breaker_rows.release_probe(provider, 0)  # it came to no call at all


def _is_the_probe(provider: str, seconds: float) -> bool:
    caller = current()
    claimed = caller is not None and breaker_rows.claim_probe(provider, caller, seconds)
    if not claimed:
        states.look_again()
    return claimed


def _down(provider: str, state: State) -> ProviderDown:
    wait = state.probe_at - time.monotonic()
    if wait <= 0:  # somebody else's turn
        return ProviderDown(provider, retry_in=settings.BREAKER_PROBE_SECONDS)
    return ProviderDown(provider, retry_in=_HELD_SECONDS if wait == math.inf else max(wait, 1.0))


# --- What becomes of those that wait ----------------------------------------------------------------------------------

_tell: ContextVar[Callable[[str], object]] = ContextVar("tell", default=lambda provider: None)


@contextmanager
def telling(tell: Callable[[str], object]) -> Iterator[None]:
    """A call inside the block that closes a breaker calls `tell` with the provider, in the same transaction."""
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)
