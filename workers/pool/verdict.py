"""The verdict on the code that this process runs: is an error that no rule of ours expects the work's own, or the release's?

Nothing in one such error tells. What tells is who else met it, and who got past that step:

- **Its own** where another party's work has got past the same step here within the window. It spends an attempt, so work that
  trips a bug ends soon, and costs others nothing.
- **Not known** where nothing has: as in a release that is broken, in its first seconds, or where nothing else is asked for. The
  work goes back untouched. A process that is started again and again therefore spends no attempts at all.
- **The release's** after RELEASE_BROKEN_ERRORS of RELEASE_BROKEN_SITES parties within the window, at steps that fail for a share of
  RELEASE_BROKEN_SHARE or more. The worker takes nothing more but a probe every RELEASE_PROBE_SECONDS, and whatever meets the bug
  goes back untouched. A few probes that get past the broken step end this; then those that had met the bug count as work that
  trips it by its own fault.

The share keeps a few works that trip a bug from stopping a worker that does well: three shops can find such an input and send it
again. It is of the works that a step was tried with since the earliest of its latest RELEASE_BROKEN_ERRORS errors, and at least
within the last minute. Errors that come all at once are thereby held against what went well just before. What breaks while a worker
runs, as when a provider changes the form of its answers, is found after a minute at most; the errors until then spend attempts, but
the growing waits between these leave each blog some of its own.

The verdict is each process's own, because one machine may be broken and not the next. Its row carries it (`heartbeat`): a process
that starts under the name of a release which was found broken begins with a probe, and not with all its seats.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.conf import settings

from workers.context.process_memory import Latest
from workers.database.outage import DATABASE_AWAY

logger = logging.getLogger(__name__)

_CLAIM = "claim"
# Works that have tripped a bug by their own fault. They are remembered so that they don't count twice.
_REMEMBERED_WORKS = 1_000
# Of a step's parties that got past it: one of two is another than whichever asks.
_PARTIES = 2
# For how long what got past a step speaks for it. Shorter than a blog needs for all its attempts: what breaks fails none.
_SPEAKS_SECONDS = 60.0
# What got past a step is counted by such pieces of time: a few counts, however much it is.
_PIECE_SECONDS = 5.0
# Errors that are remembered at most.
_REMEMBERED_ERRORS = 1_000


class _Met(NamedTuple):
    at: float
    work: int
    party: int
    step: str


class _Passes:
    """How many works got past a step, by pieces of time."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[float, int]] = deque()

    def count(self, now: float) -> None:
        if self._pieces and now - self._pieces[-1][0] < _PIECE_SECONDS:
            began, number = self._pieces.pop()
            self._pieces.append((began, number + 1))
            return
        self._pieces.append((now, 1))
        while self._pieces[0][0] < now - max(settings.RELEASE_BROKEN_WINDOW_SECONDS, _SPEAKS_SECONDS) - _PIECE_SECONDS:
            self._pieces.popleft()

    def since(self, moment: float) -> int:
        return sum(number for began, number in self._pieces if began > moment - _PIECE_SECONDS)


class Verdict:
    """Thread-safe. `party` is whose work it is (a site); `step` is where in the work the error happened."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.reason = ""
        """Why the release counts as broken, for staff; empty while it does not."""
        self._now = now
        self._lock = threading.Lock()
        self._met: deque[_Met] = deque(maxlen=_REMEMBERED_ERRORS)
        self._passed: dict[str, Latest[int, float]] = {}
        self._passes: dict[str, _Passes] = {}
        self._own: Latest[int, None] = Latest(_REMEMBERED_WORKS)
        self._broken_steps: set[str] = set()
        self._proofs: set[int] = set()
        self._proofs_needed = 0
        self._probe_at = 0.0
        self._claims_failed = 0

    @property
    def is_broken(self) -> bool:
        return bool(self.reason)

    @property
    def where(self) -> str:
        """The step that is broken, or several with commas."""
        with self._lock:
            return ", ".join(sorted(self._broken_steps))

    def doubt(self, where: str, reason: str) -> None:
        """Begin with a probe, since this release was found broken before. One that succeeds is enough."""
        with self._lock:
            self._broken_steps, self.reason, self._proofs_needed = set(filter(None, where.split(", "))), reason, 1

    def met(self, work: int, party: int, step: str, error: BaseException) -> bool:
        """Count an unexpected error. True: it is the work's own."""
        with self._lock:
            now = self._now()
            if work in self._own:
                return True
            self._forget_before(now - settings.RELEASE_BROKEN_WINDOW_SECONDS)
            self._met.append(_Met(now, work, party, step))
            if self.reason:
                self._broken_steps.add(step)
                self._proofs.clear()
                self._probe_at = now + settings.RELEASE_PROBE_SECONDS
                return False
            steps = self._failing_steps()
            failing = [met for met in self._met if met.step in steps]
            parties = len({met.party for met in failing})
            if len(failing) >= settings.RELEASE_BROKEN_ERRORS and parties >= settings.RELEASE_BROKEN_SITES:
                told = f"{type(error).__name__} in {step}; {len(failing)} unexpected errors of {parties} sites"
                self._break({met.step for met in failing}, told)
                return False
            since = now - settings.RELEASE_BROKEN_WINDOW_SECONDS
            return any(other != party and at > since for other, at in self._passed.get(step, {}).items())

    def passed(self, work: int, party: int, step: str, *, is_last: bool) -> None:
        """Note that work has got past a step, and its result is saved."""
        with self._lock:
            now = self._now()
            self._passed.setdefault(step, Latest(_PARTIES))[party] = now
            self._passes.setdefault(step, _Passes()).count(now)
            if self.reason and (is_last or step in self._broken_steps):
                self._proofs.add(work)
                if len(self._proofs) >= self._proofs_needed:
                    self._mend()

    @contextmanager
    def over_claims(self) -> Iterator[None]:
        """Judge a claim. One that fails again and again for no reason that we know says that the code doesn't fit the tables."""
        try:
            yield
        except DATABASE_AWAY:
            raise
        except Exception as error:
            with self._lock:
                self._claims_failed += 1
                if not self.reason and self._claims_failed >= settings.RELEASE_BROKEN_ERRORS:
                    self._break({_CLAIM}, f"{type(error).__name__} when taking blogs")
            raise
        with self._lock:
            self._claims_failed = 0
            if self._broken_steps == {_CLAIM}:
                self._mend()

    def room(self, wanted: int) -> int:
        """Return how many pieces of work may be claimed now."""
        with self._lock:
            if not self.reason:
                return wanted
            if wanted < 1 or self._now() < self._probe_at:
                return 0
            self._probe_at = self._now() + settings.RELEASE_PROBE_SECONDS
            return 1

    def seconds_until_probe(self) -> float:
        """Return how long to wait at most until the next claim; infinite while nothing is wrong."""
        with self._lock:
            return max(0.01, self._probe_at - self._now()) if self.reason else float("inf")

    def _failing_steps(self) -> set[str]:
        return {step for step in {met.step for met in self._met} if self._fails_too_often(step)}

    def _fails_too_often(self, step: str) -> bool:
        errors = [met for met in self._met if met.step == step]
        since = min(errors[-settings.RELEASE_BROKEN_ERRORS :][0].at, self._now() - _SPEAKS_SECONDS)
        failed = len({met.work for met in errors if met.at >= since})
        passed = self._passes[step].since(since) if step in self._passes else 0
        share: float = settings.RELEASE_BROKEN_SHARE
        return failed >= share * (failed + passed)

    def _break(self, steps: set[str], reason: str) -> None:
        self._broken_steps, self.reason = steps, reason
        self._proofs_needed = settings.RELEASE_BROKEN_SITES
        self._probe_at = self._now() + settings.RELEASE_PROBE_SECONDS
        about = {"action": "release_broken", "release": settings.RELEASE, "reason": reason}
        logger.error("this release is broken; it takes no more blogs but probes", extra=about)

    def _mend(self) -> None:
        for met in self._met:
            self._own[met.work] = None
        self._met.clear()
        self._proofs.clear()
        self._broken_steps, self.reason = set(), ""
        logger.warning("this release works again", extra={"action": "release_works", "release": settings.RELEASE})

    def _forget_before(self, moment: float) -> None:
        while self._met and self._met[0].at < moment:
            self._met.popleft()
