"""Commands that README and docs name are there, with their options. `make walk-docs` runs those that can be pasted."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from tests import bench
from tests.chaos.schedule import SCENES, SIZES
from tests.docs.pages import PAGES, ROOT, code, commands, ids, named, pasted_blocks, prose

TARGETS = set(re.findall(r"^([a-z-]+):", named("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_make_targets_exist(page: Path) -> None:
    asked = [words for words in _written(page) if words[0] == "make"]

    assert {words[1] for words in asked if len(words) > 1} <= TARGETS
    values = dict(word.split("=", 1) for words in asked for word in words[2:] if "=" in word)
    assert values.get("SIZE", "small") in {*SIZES, *SCENES}
    assert Path(bench.__path__[0], values.get("NAME", "claim").rstrip("…") or "claim").with_suffix(".py").exists()


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_management_commands_exist_with_their_options(page: Path) -> None:
    known = get_commands()
    for words in _written(page):
        if "manage.py" in words[:2] and len(words) > words.index("manage.py") + 1:
            name, *arguments = words[words.index("manage.py") + 1 :]
            assert name in known, name
            application = known[name]
            command = load_command_class(application, name) if isinstance(application, str) else application
            options = {
                text for action in command.create_parser("manage.py", name)._actions for text in action.option_strings
            }
            assert {word for word in arguments if word.startswith("--")} <= options, words


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_files_that_commands_read_exist(page: Path) -> None:
    for words in _written(page):
        if words[0] in ("pip", "gunicorn"):
            file = words[words.index("-r" if words[0] == "pip" else "-c") + 1]
            assert (ROOT / file).exists()


def _written(page: Path) -> list[list[str]]:
    """Each command of the console blocks, and each that the text names in backticks, as words."""
    parts = [part for text in _pasted(page) for part in re.split(r"[;|]|\$\(", text) if part.strip()]
    spans = [span for span in code(prose(page)) if re.match(r"(make|manage\.py|python manage\.py|gunicorn -c) ", span)]
    return [words for text in [*parts, *spans] if (words := _words(text))]


def _pasted(page: Path) -> list[str]:
    lines = [line for block in pasted_blocks(page) for line in block.text.replace("\\\n", " ").splitlines()]
    return [*(command.text for command in commands(page)), *lines]


def _words(text: str) -> list[str]:
    text = text.strip().replace("blogs-manage ", "manage.py ").removeprefix(".venv/bin/").rstrip(")")
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return []  # a part of a longer quotation
