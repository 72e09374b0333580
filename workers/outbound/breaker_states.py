"""What this process knows of the breakers, so that a call seldom waits for the database to learn whether it may begin.

One thread looks once a second; the others go by what is known meanwhile. After a change of its own a process looks at once.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass

from workers.context.on_behalf import current
from workers.context.process_memory import remembered
from workers.outbound import breaker_rows


@dataclass(frozen=True, slots=True)
class State:
    open: bool = False
    doubts: bool = False
    probe_at: float = math.inf
    """In this process's monotonic time; never, where staff hold it open."""

    @property
    def probe_is_due(self) -> bool:
        return current() is not None and time.monotonic() >= self.probe_at


class States:
    def __init__(self, *, fresh_seconds: float) -> None:
        self.fresh_seconds = fresh_seconds
        self._lock = threading.Lock()
        self._states: dict[str, State] = {}
        self._look_at = -math.inf
        self._looks = self._newest = 0

    def of(self, provider: str) -> State:
        """Return a provider's state, at most `fresh_seconds` old. Reads all states first if it is this thread's turn to look."""
        if look := self._my_look():
            self._learn(look, breaker_rows.read())
        return self.as_known(provider)

    def as_known(self, provider: str) -> State:
        """Return the state as it was last read, without asking the database."""
        return self._states.get(provider, State())

    def look_again(self) -> None:
        """Let the next `of` read the states, however fresh they are."""
        with self._lock:
            self._look_at = -math.inf

    def clear(self) -> None:
        with self._lock:
            self._look_at, self._states = -math.inf, {}

    def _my_look(self) -> int:
        """Return the number of the look that this thread should take; 0 if another thread has looked or is looking."""
        with self._lock:
            if time.monotonic() < self._look_at:
                return 0
            self._look_at = time.monotonic() + self.fresh_seconds
            self._looks += 1
            return self._looks

    def _learn(self, look: int, rows: list[tuple[str, bool, bool, float]]) -> None:
        """Keep what was read, unless a later look has come back sooner."""
        now = time.monotonic()
        found = {name: State(is_open, doubts, now + probe_in) for name, is_open, doubts, probe_in in rows}
        with self._lock:
            if look > self._newest:
                self._newest, self._states = look, found


states = remembered(States(fresh_seconds=1.0))
