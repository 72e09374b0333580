"""The tables of packages, of states and of errors name what there is, and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from blogs.queue import lifecycle
from tests.docs.pages import ROOT, code, named, rows

_ROOMS = ("config", "blogs", "wix", "credits", "workers")
# Django's own, and formats of dates.
_OF_DJANGO = {"migrations", "management", "models", "templatetags", "formats"}


def _packages() -> set[str]:
    below = (file.parent for room in _ROOMS for file in (ROOT / room).glob("*/__init__.py"))
    return {*_ROOMS, *(f"{folder.parent.name}/{folder.name}" for folder in below if folder.name not in _OF_DJANGO)}


@pytest.mark.parametrize(("page", "section"), [("README.md", "The tower"), ("docs/architecture.md", "The tower")])
def test_tables_of_packages_name_each_package(page: str, section: str) -> None:
    documented = [code(row[0])[0] for row in rows(page, section)]

    assert sorted(documented) == sorted(_packages())


def test_the_state_table_has_the_functions_of_the_lifecycle() -> None:
    functions = re.findall(r"^ {4}(\w+) +\S+ +-> ", lifecycle.__doc__ or "", re.MULTILINE)

    documented = [code(row[1])[0] for row in rows("docs/architecture.md", "States")]

    assert documented == functions


def test_api_md_names_each_code_of_a_problem() -> None:
    documented = {name for row in rows("docs/api.md", "Errors") for cell in row for name in code(cell)}

    missing = set(_codes_of_problems()) - documented

    assert missing == set()


def test_desk_md_names_each_code_of_a_blog() -> None:
    documented = {name for row in rows("docs/desk.md", "Error codes") for name in code(row[0])}

    assert set(_codes_of_blogs()) - documented == set()


def test_the_glossary_is_in_order() -> None:
    words = [row[0].lower() for row in rows("docs/glossary.md")]

    assert words == sorted(words)


def _codes_of_problems() -> Iterator[str]:
    for node in ast.walk(ast.parse(named("blogs/api/errors/problems.py"))):
        match node:
            case ast.Dict(keys=keys, values=values):
                pairs = zip(keys, values, strict=True)
                found = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "code"]
            case ast.keyword(arg="code", value=value):
                found = [value]
            case _:
                found = []
        yield from (str(value.value) for value in found if isinstance(value, ast.Constant))
    yield from _first_arguments(ROOT / "blogs" / "queue" / "admission.py", {"NoRoom"})


def _codes_of_blogs() -> Iterator[str]:
    """Each `PermanentError("code", ...)` and the like where a blog is made."""
    errors = {"PermanentError", "TransientError", "RateLimited", "AccountRefused", "ProviderFailure", "WixRefused"}
    folders = (
        "blogs/stages",
        "blogs/providers",
        "blogs/queue",
        "wix/client",
        "wix/posts",
        "wix/catalog",
        "workers/outbound",
    )
    files = [file for folder in folders for file in (ROOT / folder).glob("*.py")]
    # What a shop's own receiver answers ends no blog.
    files = [file for file in files if file.name != "strangers.py"]
    for file in [*files, *(ROOT / "blogs").glob("*.py"), *(ROOT / "workers").glob("*.py")]:
        yield from _first_arguments(file, errors)


def _first_arguments(file: Path, called: set[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in called and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant):
                yield str(first.value)
