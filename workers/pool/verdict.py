"""The verdict on the code that this process runs: is an error that no rule of ours expects the work's own, or the release's?

Nothing in one such error tells. What tells is who else met it, and who got past that step:

- **Its own** where another party's work has got past the same step here within the window. It spends an attempt, so work that
  trips a bug ends soon, and costs others nothing.
- **Not known** where nothing has: as in a release that is broken, in its first seconds, or where nothing else is asked for. The
  work goes back untouched. A process that is started again and again therefore spends no attempts at all.
- **The release's** after RELEASE_BROKEN_ERRORS of RELEASE_BROKEN_SITES parties within the window. The worker takes nothing more but
  a probe every RELEASE_PROBE_SECONDS, and whatever meets the bug goes back untouched. A few probes that get past the broken step
  end this; then those that had met the bug count as work that trips it by its own fault.

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


class _Met(NamedTuple):
    at: float
    work: int
    party: int
    step: str


class Verdict:
    """Thread-safe. `party` is whose work it is (a site); `step` is where in the work the error happened."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.reason = ""
        """Why the release counts as broken, for staff; empty while it does not."""
        self._now = now
        self._lock = threading.Lock()
        self._met: deque[_Met] = deque()
        self._passed: dict[str, Latest[int, float]] = {}
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
            parties = len({met.party for met in self._met})
            if len(self._met) >= settings.RELEASE_BROKEN_ERRORS and parties >= settings.RELEASE_BROKEN_SITES:
                told = f"{type(error).__name__} in {step}; {len(self._met)} unexpected errors of {parties} sites"
                self._break({met.step for met in self._met}, told)
                return False
            since = now - settings.RELEASE_BROKEN_WINDOW_SECONDS
            return any(other != party and at > since for other, at in self._passed.get(step, {}).items())

    def passed(self, work: int, party: int, step: str, *, is_last: bool) -> None:
        """Note that work has got past a step, and its result is saved."""
        with self._lock:
            self._passed.setdefault(step, Latest(_PARTIES))[party] = self._now()
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
