"""Who writes what: a blog's status is written by the queue alone, money moves in the ledger alone, and no statement of a lower
room names a table of a room above it.

The test reads the source, so it finds what is written there as a statement of SQL or as a call of Django's; not what is put
together at run time.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import pytest

from blogs.models import Status
from tests.support.source_code import ROOMS, modules, texts, tree_of

_WRITES = {"update", "create", "get_or_create", "update_or_create", "bulk_create", "bulk_update", "delete"}
_SETS_STATUS = re.compile(
    r"\bINSERT\s+INTO\s+blog_generations\b"
    r"|\bUPDATE\s+blog_generations\b.*?\bSET\b(?:(?!\bWHERE\b|\bFROM\b).)*\bstatus\s*=",
    re.DOTALL,
)
_MOVES_MONEY = re.compile(r"\b(?:UPDATE|INSERT\s+INTO|DELETE\s+FROM|TRUNCATE)\s+\"?credits_\w+")
_TABLES = {"blogs": r"blog_generations|blogs_\w+", "wix": r"wix_\w+", "credits": r"credits_\w+"}
# A statement, and the name of a table anywhere in it: a comma may stand before the name as well.
_STATEMENT = re.compile(r"\b(?:SELECT|UPDATE|INSERT\s+INTO|DELETE\s+FROM|TRUNCATE|ANALYZE|FROM|JOIN)\b")
_NAMING = r"\b(?:{})\b"
# Django's way from a row to one of a room above it.
_WAY_UP = {
    "credits": r"\b(?:generation|site)__(?!isnull$|in$)",
    "wix": r"\b(?:generations|line|credit_account)__",
    "workers": "(?!)",
}


def test_a_blogs_status_is_written_by_the_queues_moves_and_their_statements_alone() -> None:
    """Rooms below can't, since they may not name a blog's table; their own rows have statuses of their own."""
    found = {
        str(path) for path in modules("config", "blogs") if [*_matching(path, _SETS_STATUS), *_status_by_django(path)]
    }

    assert found == {"blogs/queue/lifecycle.py", "blogs/queue/statements.py"}


def test_money_moves_in_the_ledger_alone() -> None:
    found = {str(path) for path in modules(*ROOMS) if [*_matching(path, _MOVES_MONEY), *_money_by_django(path)]}

    assert found == {"credits/ledger.py"}


@pytest.mark.parametrize("room", ROOMS[2:])
def test_no_statement_names_a_table_of_a_room_above(room: str) -> None:
    above = "|".join(_TABLES[other] for other in ROOMS[1 : ROOMS.index(room)])

    named = re.compile(_NAMING.format(above))
    found = [
        f"{path}: {table[0]}"
        for path in modules(room)
        for text in texts(path)
        if _STATEMENT.search(text)
        for table in named.finditer(text)
    ]

    assert found == []


@pytest.mark.parametrize("room", ROOMS[2:])
def test_no_query_follows_a_foreign_key_to_a_room_above(room: str) -> None:
    way_up = re.compile(_WAY_UP[room])

    found = [f"{path}: {word}" for path in modules(room) for word in _keywords(path) if way_up.search(word)]

    assert found == []


def test_no_code_of_ours_finds_a_module_or_a_model_by_its_name() -> None:
    """Such an import is seen by no contract."""
    by_name = {"import_module", "import_string", "get_model", "__import__"}

    found = {
        f"{path}: {ast.unparse(node)}"
        for path in modules("blogs", "wix", "credits", "workers")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in by_name
    }

    assert found == set()


def _keywords(path: Path) -> Iterator[str]:
    yield from (node.arg for node in ast.walk(tree_of(path)) if isinstance(node, ast.keyword) and node.arg)


def _matching(path: Path, pattern: re.Pattern[str]) -> Iterator[str]:
    yield from (match[0] for text in texts(path) for match in pattern.finditer(text))


def _status_by_django(path: Path) -> Iterator[str]:
    """Like `BlogGeneration.objects.update(status=Status.DONE)`, `{"status": Status.DONE}` and `blog.status = Status.DONE`."""
    for node in ast.walk(tree_of(path)):
        given: list[ast.expr] = []
        if isinstance(node, ast.Call) and (_is_write(node) or ast.unparse(node.func) == "BlogGeneration"):
            given = [word.value for word in node.keywords if word.arg == "status"]
            given += [value for word in node.keywords if word.arg is None for value in _statuses_of(word.value)]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "setattr" and _is_status(node.args[1]):
            given = [node.args[2]]
        elif isinstance(node, ast.Dict):
            given = [
                value for key, value in zip(node.keys, node.values, strict=True) if _is_status(key) and _is_named(value)
            ]
        elif isinstance(node, ast.Assign) and any(
            isinstance(to, ast.Attribute) and to.attr == "status" for to in node.targets
        ):
            given = [node.value]
        yield from (ast.unparse(node) for value in given if _may_be_a_blogs(value))


def _statuses_of(unpacked: ast.expr) -> list[ast.expr]:
    """The values of `**{"status": ...}`, texts too."""
    if not isinstance(unpacked, ast.Dict):
        return []
    return [value for key, value in zip(unpacked.keys, unpacked.values, strict=True) if _is_status(key)]


def _is_status(key: ast.expr | None) -> bool:
    return isinstance(key, ast.Constant) and key.value == "status"


def _is_named(value: ast.expr) -> bool:
    """As `Status.DONE`, and not a text: those stand in answers and lists, too."""
    return ast.unparse(value).startswith("Status.")


def _may_be_a_blogs(status: ast.expr) -> bool:
    """Other rows have statuses of their own: a name or a text that no blog has is one of those."""
    name = (
        status.attr if isinstance(status, ast.Attribute) else status.value if isinstance(status, ast.Constant) else None
    )
    return not name or name in Status.names


def _money_by_django(path: Path) -> Iterator[str]:
    """Calls like `CreditAccount.objects.filter(...).update(...)`."""
    for node in ast.walk(tree_of(path)):
        if _is_write(node):
            named = {part.id for part in ast.walk(node.func) if isinstance(part, ast.Name)}
            yield from [ast.unparse(node)] * bool(named & {"Credit", "CreditAccount"})


def _is_write(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _WRITES
