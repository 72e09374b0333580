"""settings.md and .env.example name each setting that is read, with its default, and none that isn't."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.docs.pages import ROOT, code, named, rows


class Read(NamedTuple):
    name: str
    default: tuple[str, ...]
    """As it would stand in .env: one, or one for each branch of a default that depends on another setting."""


def test_settings_md_names_each_setting_with_its_default() -> None:
    documented = {code(row[0])[0]: row[1] for row in rows("docs/settings.md") if code(row[0])}

    read = _read()

    assert set(documented) == {setting.name for setting in read}
    wrong = {setting.name: documented[setting.name] for setting in read if not _says(documented[setting.name], setting)}
    assert not wrong


def test_settings_md_describes_each_setting_once() -> None:
    names = Counter(code(row[0])[0] for row in rows("docs/settings.md") if code(row[0]))

    assert [name for name, times in names.items() if times > 1] == []


def test_the_example_names_each_setting_with_its_default() -> None:
    example = dict(re.findall(r"^#?([A-Z][A-Z0-9_]+)=(.*)$", named(".env.example"), re.MULTILINE))

    read = _read()

    assert set(example) == {setting.name for setting in read}
    # Where the default is empty, what stands there is an example of what to put.
    wrong = {it.name: example[it.name] for it in read if any(it.default) and example[it.name] not in it.default}
    assert not wrong


def test_each_setting_is_read_once() -> None:
    times = Counter(setting.name for setting in _read())

    assert [name for name, count in times.items() if count > 1] == []


def _says(cell: str, setting: Read) -> bool:
    conditions = {"DEBUG", "HTTPS_ONLY"}
    shown = [text for text in code(cell) if text not in conditions]
    if ("–" in cell) != ("" in setting.default):
        return False
    return sorted(shown) == sorted(text for text in setting.default if text)


def _read() -> list[Read]:
    return [*_of_settings(ROOT / "config" / "settings.py"), *_of_gunicorn(ROOT / "config" / "gunicorn.py")]


def _of_settings(file: Path) -> Iterator[Read]:
    """Each `env.str("NAME", default=...)`."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("env.") and node.keywords:
            assert isinstance(node.args[0], ast.Constant)
            yield Read(str(node.args[0].value), _defaults(node.keywords[0].value))


def _of_gunicorn(file: Path) -> Iterator[Read]:
    """Each `os.environ.get("NAME", "default")`."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "os.environ.get":
            name, default = (ast.literal_eval(argument) for argument in node.args)
            yield Read(name, (default,))


def _defaults(expression: ast.expr) -> tuple[str, ...]:
    if isinstance(expression, ast.IfExp):
        return (*_defaults(expression.body), *_defaults(expression.orelse))
    if isinstance(expression, ast.Name):
        assert expression.id == "DEBUG"
        return ("true", "false")
    # Numbers and texts, and a path below the project's root.
    value = eval(ast.unparse(expression), {"BASE_DIR": Path(), "__builtins__": {"str": str}})
    if isinstance(value, list):
        return (",".join(value),)
    return (str(value).lower() if isinstance(value, bool) else str(value),)
