"""What a process remembers of rows and answers, so that it need not ask for them again each time.

Each such memory is made here, and one call empties all of them. Forgetting is always safe: it costs a statement or a call.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memory(Protocol):
    """A dict, or an object of ours that can be emptied."""

    def clear(self) -> None: ...


class Latest(dict[K, V]):
    """A dict that holds at most `most` keys: a new one pushes out the one that was set longest ago. Set under a lock."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def __setitem__(self, key: K, value: V) -> None:
        self.pop(key, None)
        while len(self) >= self.most:
            del self[next(iter(self))]
        super().__setitem__(key, value)


M = TypeVar("M", bound=Memory)

_memories: list[Memory] = []


def remembered(memory: M) -> M:
    """Return the memory itself, which `forget_everything` empties from now on."""
    _memories.append(memory)
    return memory


def forget_everything() -> None:
    """Know no more than a process that has just started. For tests: each finds other rows in the same tables."""
    for memory in _memories:
        memory.clear()
