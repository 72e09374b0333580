"""What `manage.py preflight` says, as tests read it."""

from __future__ import annotations

from collections.abc import Callable


class Said:
    def __init__(self, code: int, text: str) -> None:
        self.code, self.text = code, text

    @property
    def faults(self) -> list[str]:
        return [line.partition(":")[0] for line in self.text.splitlines() if ":" in line]


Preflight = Callable[..., Said]
"""Runs the command with these arguments."""
Database = Callable[[str], None]
"""Lets preflight look at the database of this URL."""
