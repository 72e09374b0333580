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
import threading
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

_FRESH_SECONDS = 1.0
# A failure that may be everybody's: until others have had time to get through, or to fail as well.
_DOUBT_SECONDS = 10.0
# Staff resume what they hold back; looking at it costs each blog an event.
_HELD_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class _State:
    open: bool = False
    doubts: bool = False
    probe_at: float = math.inf
    """In this process's monotonic time; never, where staff hold it open."""

    @property
    def probe_is_due(self) -> bool:
        return current() is not None and time.monotonic() >= self.probe_at


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
            breaker_rows.close(self.provider, _resume.get(), began=self.began)
            forget_states()
        elif (work := current()) and _known(self.provider).doubts:
            breaker_rows.got_through(self.provider, work, self.began)
            forget_states()

    def failed(self, error: ProviderFailure | AccountRefused) -> WorkError:
        """What the failure is for this work."""
        self.settled = True
        if (work := current()) is None:
            return error
        verdict = breaker_rows.judge(self.provider, work, error, self.began, probe=self.probe)
        forget_states()
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
    state = _known(provider)
    if state.open and not state.probe_is_due:
        raise _down(provider, state)


@contextmanager
def passage(provider: str, seconds: float) -> Iterator[Passage]:
    """Around a call of at most `seconds`, when its place in the limit has come. Raises ProviderDown."""
    # As `look` has learned it, or others have since: whoever has a place in time must not wait for a database now.
    state = _states.get(provider, _State())
    if state.open and not (state.probe_is_due and _is_the_probe(provider, seconds)):
        raise _down(provider, state)
    way = Passage(provider, probe=state.open)
    try:
        yield way
    finally:
        if way.probe and not way.settled:
            breaker_rows.release_probe(provider, 0)  # it came to no call at all


def _is_the_probe(provider: str, seconds: float) -> bool:
    work = current()
    claimed = work is not None and breaker_rows.claim_probe(provider, work, seconds)
    if not claimed:
        forget_states()
    return claimed


def _down(provider: str, state: _State) -> ProviderDown:
    wait = state.probe_at - time.monotonic()
    if wait <= 0:  # somebody else's turn
        return ProviderDown(provider, retry_in=settings.BREAKER_PROBE_SECONDS)
    return ProviderDown(provider, retry_in=_HELD_SECONDS if wait == math.inf else max(wait, 1.0))


# --- What becomes of those that wait ----------------------------------------------------------------------------------

_resume: ContextVar[Callable[[str], object]] = ContextVar("resume", default=lambda provider: None)


@contextmanager
def resuming(resume: Callable[[str], object]) -> Iterator[None]:
    """Whoever closes a breaker inside tells `resume` so, in the same transaction."""
    token = _resume.set(resume)
    try:
        yield
    finally:
        _resume.reset(token)


# --- What this process knows ------------------------------------------------------------------------------------------

_lock = threading.Lock()
_states: dict[str, _State] = {}
_look_at = float("-inf")
_looks = _newest = 0


def _known(provider: str) -> _State:
    """At most a second old. One thread looks; the others go by what is known meanwhile, and wait for no database."""
    global _look_at, _looks
    with _lock:
        mine = 0
        if time.monotonic() >= _look_at:
            _look_at = time.monotonic() + _FRESH_SECONDS
            mine = _looks = _looks + 1
    if mine:
        _learn(mine, breaker_rows.read())
    return _states.get(provider, _State())


def _learn(look: int, rows: list[tuple[str, bool, bool, float]]) -> None:
    global _newest, _states
    now = time.monotonic()
    found = {name: _State(is_open, doubts, now + probe_in) for name, is_open, doubts, probe_in in rows}
    with _lock:
        if look > _newest:
            _newest, _states = look, found


def forget_states() -> None:
    """The next one looks."""
    global _look_at
    with _lock:
        _look_at = float("-inf")
