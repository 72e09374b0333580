"""Breakers: while a provider is down for all works, no call goes to it but a probe now and then.

A breaker opens
- after BREAKER_FAILURES provider-wide failures (5xx, refused connections, timeouts) of BREAKER_SITES sites within
  BREAKER_WINDOW_SECONDS, if no call has got through in between;
- at once, if the provider refuses our key, our quota, or what we ask of it in every call;
- if it refuses a permission, or a request for a reason that we don't know, once a second site has met the same.
It closes with the first probe that gets an answer. A probe is one call that is let through; the next probe is a call of another
site. Staff may hold a breaker open, and close any.

Who pays for a failure?
- While the breaker is open: no work. A failure costs no attempt, a probe's neither. The failures that opened the breaker are
  forgotten, except refusals. (A blog whose calls always fail can't keep a breaker open, because the next probe is another site's.)
- While it is closed, a work's first failure is in doubt. It costs no attempt, and the work is put off for a moment.
- The failure was the work's own, if a call of another work that began after it gets through. From then on each further failure of
  this work costs an attempt, so that such a blog ends FAILED and harms no other.
- It is also the work's own if no other work has failed since its first failure, half an hour ago, and if it is refused after a
  probe of another work got through. (This counts works and not sites; otherwise a shop that is alone at night would wait a day
  for its blog to fail.)
- A refusal is also the work's own if no work of another site was refused since it first was, a window ago. (This counts sites and
  not works; otherwise two blogs of a site that is refused would keep each other in doubt for a day.)

All workers share the breakers, one row per provider. A process looks at the rows once a second and after each failure of its own.
It writes a success down only while some failure is in doubt.
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

# How long a doubtful failure puts a work off: until calls of other works have had time to get through, or to fail as well.
_DOUBT_SECONDS = 10.0
# Works need not look often at a breaker that staff hold open: closing it recalls them, and each look costs an event.
_HELD_SECONDS = 600.0


@dataclass(slots=True)
class Passage:
    """One call's way through a breaker. The call says once whether it got an answer or a failure."""

    provider: str
    probe: bool
    began: float = field(default_factory=time.monotonic)
    settled: bool = False

    def answered(self) -> None:
        """Note that the provider has answered, whatever the answer says of the work."""
        self.settled = True
        if self.probe:
            breaker_rows.close(self.provider, _tell.get(), began=self.began)
            states.look_again()
        elif (caller := current()) and states.of(self.provider).doubts:
            breaker_rows.got_through(self.provider, caller, self.began)
            states.look_again()

    def failed(self, error: ProviderFailure | AccountRefused) -> WorkError:
        """Note the failure; return the error that it is for this work."""
        self.settled = True
        if (caller := current()) is None:
            return error
        verdict = breaker_rows.judge(self.provider, caller, error, self.began, probe=self.probe)
        states.look_again()
        match verdict:
            case Verdict.DOWN:
                return ProviderDown(self.provider, retry_in=settings.BREAKER_PROBE_SECONDS)
            case Verdict.DOUBT:
                return RateLimited(error.code, error.message, guess=_doubt_seconds(error))
        return error

    def throttled(self) -> None:
        """End a probe's turn as after a failure: a 429 says neither that the provider is up nor that it is down."""
        if self.probe:
            self.settled = True
            breaker_rows.release_probe(self.provider, settings.BREAKER_PROBE_SECONDS)


def _doubt_seconds(error: WorkError) -> float:
    return settings.BREAKER_WINDOW_SECONDS if isinstance(error, AccountRefused) else _DOUBT_SECONDS


def look(provider: str) -> None:
    """Raises ProviderDown if the breaker is open and no probe is due. For calls that are about to wait for a place in the limit."""
    state = states.of(provider)
    if state.open and not state.probe_is_due:
        raise _down(provider, state)


@contextmanager
def passage(provider: str, seconds: float) -> Iterator[Passage]:
    """Wrap a call of at most `seconds` whose place in the limit has come. Raises ProviderDown."""
    # As it was last read, by `look` or since: a call that has a place in time must not wait for a database now.
    state = states.as_known(provider)
    if state.open and not (state.probe_is_due and _is_the_probe(provider, seconds)):
        raise _down(provider, state)
    way = Passage(provider, probe=state.open)
    try:
        yield way
    finally:
        if way.probe and not way.settled:
            breaker_rows.release_probe(provider, 0)  # no request was sent


def _is_the_probe(provider: str, seconds: float) -> bool:
    caller = current()
    claimed = caller is not None and breaker_rows.claim_probe(provider, caller, seconds)
    if not claimed:
        states.look_again()
    return claimed


def _down(provider: str, state: State) -> ProviderDown:
    wait = state.probe_at - time.monotonic()
    if wait <= 0:  # another call is the probe
        return ProviderDown(provider, retry_in=settings.BREAKER_PROBE_SECONDS)
    return ProviderDown(provider, retry_in=_HELD_SECONDS if wait == math.inf else max(wait, 1.0))


# --- What becomes of the works that wait ------------------------------------------------------------------------------

_tell: ContextVar[Callable[[str], object]] = ContextVar("tell", default=lambda provider: None)


@contextmanager
def telling(tell: Callable[[str], object]) -> Iterator[None]:
    """Make each call inside the block that closes a breaker also call `tell` with the provider, in the same transaction."""
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)
