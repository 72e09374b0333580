"""What is written for people: README and docs, as tests read them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = [
    README,
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
]


def named(page: str) -> str:
    return (ROOT / page).read_text()


def rows(page: str, section: str = "") -> Iterator[list[str]]:
    """The cells of each row of the page's tables, heads left out."""
    for table in re.findall(r"(?:^\|.*\n)+", part(page, section) + "\n", re.MULTILINE):
        for line in table.splitlines()[2:]:
            yield [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def part(page: str, section: str) -> str:
    """What stands below a heading of the second level; all of the page where none is named."""
    if not section:
        return named(page)
    found = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", named(page), re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no heading {section!r}"
    return found[1]


def code(cell: str) -> list[str]:
    """What a cell or a text puts in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def headings(page: str) -> list[str]:
    """All of them, but for those within blocks of code."""
    return re.findall(r"^#{1,4} (.+)$", prose(ROOT / page), re.MULTILINE)


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it would be pasted, and what the page shows as its output."""

    text: str
    output: str


def commands(page: Path) -> list[Command]:
    """Those of the page's console blocks, in order."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        for pasted in re.findall(r"^\$ (.*?)(?=^\$ |\Z)", block, re.MULTILINE | re.DOTALL):
            parts = re.fullmatch(r"((?:[^\n]*\\\n)*[^\n]*\n)(.*)", pasted, re.DOTALL)
            assert parts, pasted
            found.append(Command(parts[1].strip(), parts[2]))
    return found


def pasted_blocks(page: Path) -> list[Command]:
    """Its blocks of shell, each pasted as a whole, with what the next block shows as their output."""
    found = re.findall(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", page.read_text(), re.MULTILINE | re.DOTALL)
    return [Command(text.strip(), output) for text, output in found]


def ids(page: Path) -> str:
    """Its path from the root, which also names a test's parameter."""
    return str(page.relative_to(ROOT))
