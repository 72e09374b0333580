"""On whose behalf the current thread calls other services. This room knows works and sites by their numbers only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Caller:
    """A piece of work, and the party whose failures count together in a breaker: the site that the work is for."""

    work: int
    party: int
    sharing: tuple[int, ...] = ()
    """The works that share what the call takes, where it is made for several; none: it is all this one's."""


def stranger(digest: bytes) -> Caller:
    """Return a caller whose site is not known yet. The same digest gives the same one, and no site or work has its number."""
    number = -int.from_bytes(digest[:7])
    return Caller(work=number, party=number)


_current: ContextVar[Caller | None] = ContextVar("on_behalf_of", default=None)


def current() -> Caller | None:
    return _current.get()


@contextmanager
def on_behalf_of(caller: Caller) -> Iterator[None]:
    token = _current.set(caller)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def shared_by(works: Sequence[int]) -> Iterator[None]:
    """Let the calls within be made for all these works, each of which bears an equal share of what they take."""
    caller = _current.get()
    with on_behalf_of(replace(caller, sharing=tuple(works))) if caller else nullcontext():
        yield
