"""Learning from answers: what a provider says of our limit reaches all workers, through the limit's row.

An answer costs a statement only when it names another limit than this process knows, or when the last one is some seconds old:
what a provider goes on saying is confirmed that often, and forgotten when nobody says it any more (RATE_LIMIT_FOLLOW_SECONDS).
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from workers import limits
from workers.context.process_memory import remembered
from workers.limits import Learned, Limit, Named

logger = logging.getLogger(__name__)

_CONFIRM_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Known:
    requests: int | None
    tokens: int | None
    told_at: float
    changed_at: float

    def agrees_with(self, named: Named, began: float) -> bool:
        """A call that began before the last change may have been answered under the limit of then."""
        if began < self.changed_at:
            return True
        return named.requests_per_minute in (None, self.requests) and named.tokens_per_minute in (None, self.tokens)


_known: dict[Limit, _Known] = remembered({})
_lock = threading.Lock()


def note(limit: Limit, named: Named | None, *, began: float) -> None:
    """`began`: when the call was sent, in this process's monotonic time."""
    if named is None or named == Named() or not _is_news(limit, named, began):
        return
    learned = limits.learn(limit, named, age=time.monotonic() - began)
    with _lock:
        if learned is None:
            _known.pop(limit, None)
        else:
            _keep(limit, learned.requests_per_minute, learned.tokens_per_minute)
    if learned and learned.changed:
        _log(limit, learned)


def _is_news(limit: Limit, named: Named, began: float) -> bool:
    """If so it is taken as known at once: of all threads that hear the same, one writes it down."""
    with _lock:
        known = _known.get(limit)
        if known and known.agrees_with(named, began) and time.monotonic() - known.told_at < _CONFIRM_SECONDS:
            return False
        requests, tokens = named.requests_per_minute, named.tokens_per_minute
        if known and (requests is None or began < known.changed_at):
            requests = known.requests
        if known and (tokens is None or began < known.changed_at):
            tokens = known.tokens
        _keep(limit, requests, tokens)
        return True


def _keep(limit: Limit, requests: int | None, tokens: int | None) -> None:
    now, known = time.monotonic(), _known.get(limit)
    same = known is not None and (known.requests, known.tokens) == (requests, tokens)
    _known[limit] = _Known(requests, tokens, told_at=now, changed_at=known.changed_at if known and same else now)


def _log(limit: Limit, learned: Learned) -> None:
    logger.warning(
        "the provider names another limit",
        extra={
            "action": "limit_learned",
            "limit": limit.provider,
            "provider_requests_per_minute": learned.requests_per_minute,
            "provider_tokens_per_minute": learned.tokens_per_minute,
            "requests_per_minute": learned.requests_in_force,
            "tokens_per_minute": learned.tokens_in_force,
        },
    )
