"""What is stored of an article's quality: what was found, where, what was done about it, and a score."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from blogs.article.quality.data import ERROR, WARNING, Finding

# Stored with each article. Raise it when a check is added or decides otherwise.
VERSION = 2

# What the score loses by an error that is left, and by a warning about which nothing was done.
_ERROR_COSTS, _WARNING_COSTS = 25, 3
# An article with more findings is no better known by them.
_STORED_MAX = 30
REPAIRED, WRITTEN_AGAIN = "repaired", "written again"
# Checks whose warnings are suspicions: the words stand near something that no article may say, and only a reader can tell.
_SUSPICIONS = ("speaks of ", "recommends ")
# As `repr` quotes: in double quotation marks what has an apostrophe.
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\d+""")


def written(findings: Sequence[Finding], *, critic: str = "", threshold: int = 0) -> dict[str, Any]:
    """Return the report. An article is `held` for a person where errors are left, or where its score is below the threshold.

    `critic`: "asked", "unavailable", or empty where it was not asked.
    """
    worst_first = sorted(findings, key=lambda found: (bool(found.done), found.level != ERROR))
    score = score_of(findings)
    return {
        "version": VERSION,
        "score": score,
        "held": any(is_left(found) for found in findings) or score < threshold,
        "critic": critic,
        "findings": [asdict(found) for found in worst_first[:_STORED_MAX]],
    }


def score_of(findings: Iterable[Finding]) -> int:
    lost = sum((_ERROR_COSTS if found.level == ERROR else _WARNING_COSTS) for found in findings if not found.done)
    return max(0, 100 - lost)


def is_left(found: Finding) -> bool:
    """Say whether it is an error that stands."""
    return found.level == ERROR and not found.done


def suspicions(warnings: Iterable[Finding]) -> list[Finding]:
    return [
        found for found in warnings if found.level == WARNING and not found.done and found.check.startswith(_SUSPICIONS)
    ]


def is_held(output: Mapping[str, Any]) -> bool:
    """Say whether an article's stage has held it for a person. Outputs of older releases say nothing, and hold nothing."""
    quality = output.get("quality")
    return bool(quality.get("held")) if isinstance(quality, Mapping) else False


def label(check: str) -> str:
    """Return a check's name as a metric has it: without what it quotes."""
    return re.sub(r"[^a-z]+", "_", _QUOTED.sub("", check.casefold().replace("doesn't", "lacks"))).strip("_")[:60]
