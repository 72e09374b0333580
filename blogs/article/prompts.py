"""The prompts: prose in `templates/prompts`, filled with a language and a block of data.

Rules come first and data afterwards. The data can't end its own block, so a product text that contains `</data>` and new "rules"
stays data. What a prompt forbids (addresses, unknown products) is refused in the answer too (`quality`).

A prompt's first line is its version, which the model doesn't see. It is stored with every answer: raise it when the prompt changes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from wix import languages

# No model keeps to an exact number of words. The lengths in `article_system.txt` come from budgets of 1,800, 3,500 and
# 5,600 output tokens: 280 English words are about 400 tokens, 1,300 Polish or Russian characters 470, 600 Chinese ones
# 370; the JSON around a paragraph takes 30, the parts before the body 300.
SECTIONS = {"short": 3, "medium": 5, "long": 8}

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "prompts"
_VERSION = re.compile(r"Version (\d+)\n+")


@dataclass(frozen=True, slots=True)
class Prompt:
    system: str
    user: str


def idea(data: dict[str, Any], *, folder: Path = FOLDER) -> Prompt:
    """`data` has at least a `language`; the number in `sections` is how many the outline will have."""
    return _prompt("idea", data, folder)


def ideas(data: dict[str, Any], *, folder: Path = FOLDER) -> Prompt:
    """`data` has at least a `language`, and in `blogs` what is asked for each. The rules are those of `idea`, and a few more."""
    one, more = _prompt("idea", data, folder), _prompt("ideas", data, folder)
    return Prompt(system=f"{one.system}\n\n{more.system}", user=more.user)


def article(data: dict[str, Any], *, folder: Path = FOLDER) -> Prompt:
    """`data` has at least a `language` and the `idea` with the outline."""
    return _prompt("article", data, folder)


def critic(data: dict[str, Any], *, folder: Path = FOLDER) -> Prompt:
    """`data` has at least a `language` and the `article` that is to be looked at."""
    return _prompt("critic", data, folder)


def repair(data: dict[str, Any], *, folder: Path = FOLDER) -> Prompt:
    """`data` has at least a `language` and the `parts` that are to be written again."""
    return _prompt("repair", data, folder)


def version(name: str, *, folder: Path = FOLDER) -> int:
    """Return the version of a prompt, by its name (`idea`); 0 for one that has none."""
    found = _VERSION.match(_text(f"{name}_system", folder))
    return int(found[1]) if found else 0


def _prompt(name: str, data: dict[str, Any], folder: Path) -> Prompt:
    # The only word of the request outside the data block, so it must be a tag and no sentence.
    language = data["language"]
    if not languages.TAG.fullmatch(language):
        raise ValueError(f"not a language tag: {language!r}")
    return Prompt(
        system=_template(f"{name}_system", folder).substitute(language=language),
        user=_template(f"{name}_user", folder).substitute(language=language, data=_data_block(data)),
    )


@cache
def _template(name: str, folder: Path) -> Template:
    return Template(_VERSION.sub("", _text(name, folder), count=1).strip())


@cache
def _text(name: str, folder: Path) -> str:
    return (folder / f"{name}.txt").read_text(encoding="utf-8")


def _data_block(data: dict[str, Any]) -> str:
    # Without spaces between the parts: the provider charges for them.
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
