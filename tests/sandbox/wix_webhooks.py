"""Wix's side of webhooks: one key pair a process, every kind of event, and delivery as it happens."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from wix.webhooks import sender

EVENT_TYPES = sender.EVENT_TYPES
sample = sender.sample


@cache
def key_pair() -> Any:
    return sender.new_key()


@cache
def public_key() -> str:
    return sender.public_pem(key_pair())


def token(event_type: str, instance_id: uuid.UUID | str, data: Any = None, *, key: Any = None, **more: Any) -> str:
    """The body that Wix posts. `data`: None for the event's sample; `more` as `webhook_sender.sign`."""
    event = sample(event_type) if data is None else data
    return sender.sign(key or key_pair(), event_type, instance_id, event, **more)


@dataclass(frozen=True, slots=True)
class Posted:
    event_type: str
    instance_id: str
    data: dict[str, Any]
    iat: int

    def token(self, *, later: int = 0) -> str:
        return token(self.event_type, self.instance_id, self.data, iat=self.iat + later, exp=None)


def mailbag(events: Sequence[Posted], total: int, seed: int = 0) -> list[str]:
    """Tokens as Wix delivers them: each at least once, some again (the same, or signed again), in no order."""
    chance = random.Random(seed)
    again = chance.choices(events, k=total - len(events))
    tokens = [event.token() for event in events] + [event.token(later=chance.choice((0, 60))) for event in again]
    chance.shuffle(tokens)
    return tokens
