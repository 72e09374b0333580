"""Learning from answers: a limit that a provider's answer names reaches all workers, through the limit's row.

An answer costs a statement only when it names another limit than this process knows, or when the last statement is some seconds
old. So a limit that answers go on naming is confirmed that often, and one that they name no longer is dropped after
RATE_LIMIT_FOLLOW_SECONDS.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from workers.context.process_memory import remembered
from workers.limits import limit_rows
from workers.limits.limit import Learned, Limit, Named

logger = logging.getLogger(__name__)


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


def note(limit: Limit, named: Named | None, *, began: float, confirm_seconds: float = 5.0) -> None:
    """Write down what an answer named, if that is news or the last confirmation is older than `confirm_seconds`.

    `began`: when the call was sent, in this process's monotonic time.
    """
    if named is None or named == Named() or not _is_news(limit, named, began, confirm_seconds):
        return
    learned = limit_rows.learn(limit, named, age=time.monotonic() - began)
    with _lock:
        if learned is None:
            _known.pop(limit, None)
        else:
            _keep(limit, learned.requests_per_minute, learned.tokens_per_minute)
    if learned and learned.changed:
        _log(limit, learned)


def _is_news(limit: Limit, named: Named, began: float, confirm_seconds: float) -> bool:
    """If so it is taken as known at once: of all threads that hear the same, one writes it down."""
    with _lock:
        known = _known.get(limit)
        if known and known.agrees_with(named, began) and time.monotonic() - known.told_at < confirm_seconds:
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
