"""What may be wrong, and what that means for each kind of process."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

Process = Literal["web", "worker"]


class Weight(Enum):
    """What a fault does to a process that starts, and to one that runs."""

    STOPS = "refuses to start; a web process that runs is not ready"
    """The process could only do harm, or nothing at all."""
    NOT_READY = "starts and is not ready"
    """It may pass by itself, and meanwhile callers are told to come back."""
    WARNS = "starts, and says so once"
    NONE = "is not concerned"


_STOPS, _NOT_READY, _WARNS, _NONE = Weight

# For a web process and for a worker. docs/runbook.md explains each.
KINDS: dict[str, tuple[Weight, Weight]] = {
    "database_unreachable": (_NOT_READY, _STOPS),
    "database_read_only": (_NOT_READY, _STOPS),
    # A worker that starts takes on what may be taken on, or says so itself (`restore/copies.py`).
    "database_copied": (_NOT_READY, _NONE),
    "database_encoding": (_STOPS, _STOPS),
    "database_version": (_STOPS, _STOPS),
    "migrations_unapplied": (_STOPS, _STOPS),
    "clock_wrong": (_STOPS, _STOPS),
    "pooler_unnamed": (_STOPS, _STOPS),
    "direct_url_pooled": (_NONE, _WARNS),
    "connections_too_many": (_WARNS, _WARNS),
    "settings_wrong": (_STOPS, _STOPS),
    "key_missing": (_STOPS, _STOPS),
    "key_malformed": (_STOPS, _STOPS),
    "key_doubtful": (_WARNS, _WARNS),
    "webhook_key_missing": (_WARNS, _NONE),
    "webhook_key_malformed": (_STOPS, _NONE),
    "https_loop": (_STOPS, _NONE),
    "hosts_local": (_WARNS, _NONE),
    "hosts_any": (_WARNS, _NONE),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. Only operators see `message` and `to_do`; anybody may see `name`."""

    name: str
    message: str
    to_do: str

    def weight(self, process: Process) -> Weight:
        return KINDS[self.name][0 if process == "web" else 1]

    def __str__(self) -> str:
        return f"{self.name}: {self.message} {self.to_do}"


def stopping(faults: Iterable[Fault], process: Process) -> list[Fault]:
    return [fault for fault in faults if fault.weight(process) is Weight.STOPS]


def failing(faults: Iterable[Fault]) -> list[str]:
    """Name what keeps a web process that runs from being ready."""
    weights = (Weight.STOPS, Weight.NOT_READY)
    return [fault.name for fault in faults if fault.weight("web") in weights]
