"""What README and docs point to is there: pages, headings, files, functions; and they say what a stranger understands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, README, ROOT, code, headings, ids, prose, rows

# What a stranger stumbles over; the alert's name is fixed.
_STRANGE = re.compile(r"\b(nobody|whoever|anew|so many|so long|all the same)\b(?!_works)", re.IGNORECASE)
_ROOMS = "blogs|wix|credits|workers|config|tests|docs|deploy|templates"
_PATH = re.compile(rf"(?:{_ROOMS})/[\w./-]*\w/?|[\w-]+\.(?:md|toml)|\.env\.example|\.ci/run|Makefile")


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()

    missing = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if not _exists(page, target)]

    assert missing == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=ids)
def test_paths_that_are_named_exist(page: Path) -> None:
    named = {path for span in code(prose(page)) for path in _PATH.findall(span) if _PATH.fullmatch(span) and path}

    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_the_architecture_names_functions_that_are_there() -> None:
    for question, file, names in rows("docs/architecture.md", "Where things happen"):
        files = [path for path in code(file + names) if path.endswith(".py")]
        defined = {name for path in files for name in _defined(ROOT / path)}
        named = {name for name in code(file + names) if re.fullmatch(r"\w+", name)}
        assert named <= defined, question


def _defined(file: Path) -> Iterator[str]:
    """Its functions, classes and other names, and those within them."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def test_loggers_that_upgrading_names_are_there() -> None:
    for _, after in rows("docs/upgrading.md", "From before the tower"):
        file = ROOT / (code(after)[0].replace(".", "/") + ".py")
        assert "getLogger(__name__)" in file.read_text()


@pytest.mark.parametrize(
    "page",
    [
        *PAGES,
        *map(
            ROOT.joinpath,
            [
                "config/settings.py",
                ".env.example",
                "Makefile",
                "deploy/alerts.yml",
                "deploy/pgbouncer.ini",
                "deploy/nginx.conf",
            ],
        ),
    ],
    ids=ids,
)
def test_words_are_plain(page: Path) -> None:
    assert _STRANGE.findall(page.read_text()) == []


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 120


def _exists(page: Path, target: str) -> bool:
    if re.match(r"https?:", target):
        return True
    path, _, anchor = target.partition("#")
    file = page.parent / path if path else page
    return file.exists() and (not anchor or anchor in map(_anchor, headings(ids(file.resolve()))))


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
