"""A blog's `status` is written by the moves and their statements, and nowhere else: a grep, since no type can say it."""

from __future__ import annotations

import re
from pathlib import Path

from blogs.models import Status

ROOT = Path(__file__).parents[3]

_STATUS = rf"Status\.(?:{'|'.join(Status.names)})\b"
_WRITES = re.compile(
    "|".join(
        [
            r"INSERT INTO blog_generations",
            r"UPDATE blog_generations\s(?:(?!WHERE).)*\bstatus =",
            rf'"status": {_STATUS}',
            r"\.(?:update|create|get_or_create|update_or_create)\([^()]*\bstatus=" + _STATUS,
            r"\bBlogGeneration\([^()]*\bstatus=",
            r"generation\.status = ",
        ]
    ),
    re.DOTALL,
)


def test_only_the_moves_and_their_statements_write_a_status() -> None:
    rooms = [path for room in ("blogs", "config", "credits", "wix", "workers") for path in (ROOT / room).rglob("*.py")]
    written = {path for path in rooms if "migrations" not in path.parts and _WRITES.search(path.read_text())}

    assert {str(path.relative_to(ROOT)) for path in written} == {
        "blogs/queue/lifecycle.py",
        "blogs/queue/statements.py",
    }
