"""Keeps the answers beside the report, a line of JSON each, so that a run that was cut goes on where it was."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from blogs.evals.asking import as_line


class Answers:
    def __init__(self, report: Path) -> None:
        self._path = report.with_suffix(".jsonl")
        self._lock = threading.Lock()
        self._known = {(each["variant"], each["number"]): each for each in self._read()}

    def has(self, variant: str, number: int) -> bool:
        return (variant, number) in self._known

    def add(self, found: dict[str, Any]) -> None:
        """Keep an answer. One that the provider failed is asked for again by the next run."""
        with self._lock:
            self._known[found["variant"], found["number"]] = found
            if not any(error["place"] == "provider" for error in found["errors"]):
                with self._path.open("a", encoding="utf-8") as lines:
                    lines.write(as_line(found) + "\n")

    def of(self, variant: str, number: int) -> dict[str, Any] | None:
        return self._known.get((variant, number))

    def _read(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        found = []
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:  # the line that a cut run was writing
                continue
        return found
