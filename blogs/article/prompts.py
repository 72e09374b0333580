"""The prompts: prose in `templates/prompts`, filled with a language and a block of data.

Rules come first and data afterwards. The data can't end its own block, so a product text that contains `</data>` and new "rules"
stays data. What a prompt forbids (addresses, unknown products) is refused in the answer too (`quality`).

A prompt's first line is its version, which the model doesn't see. It is stored with every answer: raise it when the prompt changes.
A line that begins with a name in braces, such as `{profile}`, is for prompts whose data has something of that name.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from blogs.article import short_form
from wix import languages

SECTIONS = {"short": 3, "medium": 5, "long": 8}

# No model keeps to an exact number of words. The lengths of a section, in an outline of fewer than four and of more, come from
# budgets of 1,800, 3,500 and 5,600 output tokens: 280 English words are about 400 tokens, 1,300 Polish or Russian characters 470,
# 600 Chinese ones 370; the JSON around a paragraph takes 30, the parts before the body 300.
_FEW = 4
_IN_WORDS = ("about 180 words", "about 280 words")
_IN_CHARACTERS = ("at most 800 characters", "at most 1,300 characters")
_OF_FEW_CHARACTERS = ("at most 400 characters", "at most 600 characters")
# Languages of long words or of scripts other than Latin, whose characters tell more of their tokens than their words do.
_BY_CHARACTERS = {
    "am", "ar", "be", "bg", "bn", "ckb", "cs", "el", "et", "fa", "fi", "gu", "he", "hi", "hu", "hy", "ka", "kk", "km", "kn",
    "ky", "lo", "mk", "ml", "mn", "mr", "my", "ne", "pa", "pl", "ps", "ru", "si", "sk", "sr", "ta", "te", "tg", "th", "tr", "uk",
    "ur", "yi",
}  # fmt: skip
_OF_FEW = {"ja", "ko", "zh"}
_TITLE, _TITLE_OF_FEW = "20 to 60 characters", "about 30 characters"

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "prompts"
_VERSION = re.compile(r"Version (\d+)\n+")
_ONLY_WITH = re.compile(r"^\{(\w+)\} (.*\n?)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prompt:
    system: str
    user: str
    product_ids: tuple[str, ...] = ()
    """Of the data's products, in the order of their short names."""

    def with_ids(self, answer: str) -> str:
        """Return an answer to this prompt with its products' ids."""
        return short_form.with_ids(answer, self.product_ids)


def idea(data: dict[str, Any], *, folder: Path = FOLDER) -> Prompt:
    """`data` has at least a `language`; the number in `sections` is how many the outline will have."""
    return _prompt("idea", data, folder)


def ideas(data: dict[str, Any], *, folder: Path = FOLDER) -> Prompt:
    """`data` has at least a `language`, and in `blogs` what is asked for each. The rules are those of `idea`, and a few more."""
    one, more = _prompt("idea", data, folder), _prompt("ideas", data, folder)
    return replace(more, system=f"{one.system}\n\n{more.system}")


def idea_repair(data: dict[str, Any], *, folder: Path = FOLDER) -> Prompt:
    """`data` has at least a `language`, and in `blogs` the plans whose parts are to be written again."""
    return _prompt("idea_repair", data, folder)


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
    ids = short_form.product_ids(data)
    told = _data_block(short_form.with_names(data, ids))
    lengths = _lengths(language, data)
    system = _template(f"{name}_system", folder).substitute(lengths, language=language)
    return Prompt(
        system=_ONLY_WITH.sub(lambda line: line[2] if data.get(line[1]) else "", system),
        user=_template(f"{name}_user", folder).substitute(language=language, data=told),
        product_ids=tuple(ids),
    )


def _lengths(language: str, data: dict[str, Any]) -> dict[str, str]:
    """Say how long a section and a title are to be in a language: a prompt names these alone, and no other language's."""
    outline = data.get("idea")
    sections = (
        len(outline["sections"]) if isinstance(outline, dict) and outline.get("sections") else data.get("sections")
    )
    is_long = not isinstance(sections, int) or sections >= _FEW
    base = language.split("-")[0].lower()
    if base in _OF_FEW:
        return {"section_length": _OF_FEW_CHARACTERS[is_long], "title_length": _TITLE_OF_FEW}
    measure = _IN_CHARACTERS if base in _BY_CHARACTERS else _IN_WORDS
    return {"section_length": measure[is_long], "title_length": _TITLE}


@cache
def _template(name: str, folder: Path) -> Template:
    return Template(_VERSION.sub("", _text(name, folder), count=1).strip())


@cache
def _text(name: str, folder: Path) -> str:
    return (folder / f"{name}.txt").read_text(encoding="utf-8")


def _data_block(data: dict[str, Any]) -> str:
    # Without spaces between the parts: the provider charges for them.
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
