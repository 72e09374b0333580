"""Asking what may not answer at all: a name that can't be resolved, a server that was stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Asked(Generic[T]):
    """A question on a thread of its own, which is left behind where no answer comes."""

    def __init__(self, question: Callable[[], T], what: str) -> None:
        self._question = question
        self._answers: list[T] = []
        self._thread = threading.Thread(target=self._ask, name=f"preflight: {what}", daemon=True)
        self._thread.start()

    def answer(self, seconds: float) -> T | None:
        """Wait this long, and return the answer; None where none has come."""
        self._thread.join(seconds)
        return self._answers[0] if self._answers else None

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def _ask(self) -> None:
        self._answers.append(self._question())
