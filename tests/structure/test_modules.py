"""How the source is cut: what a newcomer may rely on when looking for something, kept by a test."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from tests.support.source_code import ROOMS, ROOT, imported, modules, tree_of

_LINES_MAX = 350
_MODULES_MAX = 15
# Names that say nothing of what is in there.
_DRAWERS = {"utils", "util", "helpers", "helper", "misc", "common", "services"}


def test_no_test_module_imports_another_nor_a_conftest() -> None:
    """What tests share stands in tests/support."""
    found = {
        f"{path} imports {name}"
        for path in modules("tests")
        for name in imported(path)
        if name.startswith("tests.") and any(part == "conftest" or part.startswith("test_") for part in name.split("."))
    }

    assert found == set()


def test_no_module_is_longer_than_one_can_read_at_a_sitting() -> None:
    lines = {str(path): len((ROOT / path).read_text().splitlines()) for path in modules(*ROOMS, "tests")}
    # One subject, and every entry is a name with its reason.
    del lines["config/settings.py"]

    assert {path: count for path, count in lines.items() if count > _LINES_MAX} == {}


def test_no_package_of_the_product_holds_more_modules_than_one_can_survey() -> None:
    packages = Counter(path.parent for path in modules(*ROOMS) if path.name != "__init__.py")

    assert {str(package): count for package, count in packages.items() if count > _MODULES_MAX} == {}


def test_no_module_class_or_function_is_named_for_a_drawer() -> None:
    found = {
        f"{path}: {name}" for path in modules(*ROOMS, "tests") for name in _names(path) if name.lower() in _DRAWERS
    }
    found |= {
        f"{path}: {name}" for path in modules(*ROOMS) for name in _names(path) if re.fullmatch(r"\w+Service", name)
    }

    assert found == set()


def _names(path: Path) -> set[str]:
    defined = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {path.stem, *path.parts[:-1]} | {node.name for node in ast.walk(tree_of(path)) if isinstance(node, defined)}
