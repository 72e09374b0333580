"""Text from outside: what of it can be stored, and where it may be cut.

JSON may hold what PostgreSQL refuses: a NUL, half of a surrogate pair (as JavaScript cuts an emoji), an infinite number. So every
answer of another service, and every message made of one, goes through here before anybody else reads it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

# A mark stands where something was, as Unicode advises: left out, what stood beside it could become a tag.
UNREADABLE = "\ufffd"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# A body without any of these needs no second look: most have none, and a page of products has 20,000 values. JSON in UTF-16 has
# NULs.
_SUSPECT = re.compile(rb"\x00|\\u(?:0000|[dD][89a-fA-F])|\xed[\xa0-\xbf]|NaN|Infinity|[0-9][eE]\+?[0-9]{3}")


# How many values an answer may have. A page of products has 20,000, and a long article 2,000. Each may take a hundred bytes here
# for the two that it takes in the answer, and seconds in which no other thread runs.
_VALUES_MAX = 250_000


def parsed_json(raw: bytes | str) -> Any:
    """Read JSON, as `storable` leaves it.

    Raises JSONDecodeError for what is none, or what Python can't read: nested too deeply, numbers of thousands of digits, too many
    values, no Unicode.
    """
    text = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    if sum(map(text.count, (b",", b"[", b"{"))) > _VALUES_MAX:
        raise json.JSONDecodeError("too many values", "", 0)
    try:
        value = json.loads(raw)
        return storable(value) if _SUSPECT.search(text) else value
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as unreadable:
        raise json.JSONDecodeError(str(unreadable)[:100], "", 0) from None


def storable(value: Any) -> Any:
    """Return JSON data that PostgreSQL takes: a mark for each NUL and half of a pair, null for what is no finite number."""
    match value:
        case str():
            return storable_text(value)
        case dict():
            return {storable(name): storable(inner) for name, inner in value.items()}
        case list():
            return [storable(inner) for inner in value]
        case float() if value != value or value in (float("inf"), float("-inf")):
            return None
    return value


def storable_text(text: str) -> str:
    return text if text.isascii() and "\0" not in text else _UNSTORABLE.sub(UNREADABLE, text)


def cut(text: str, limit: int) -> str:
    """Return the first `limit` characters, or fewer: none of what readers see as one character is cut in two."""
    end = min(limit, len(text))
    while 0 < end < len(text) and not is_between_characters(text, end):
        end -= 1
    return text[:end]


# What belongs to the character before it, and is no mark by its category: joiners, skin tones, the letters of a tag, the vowel
# AM of Thai and Lao, half-width voicing marks, and the vowels and ends of Korean syllables.
_JOINED_TO_BEFORE = re.compile(
    "[\u200c\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\u0e33\u0eb3\uff9e\uff9f\u1160-\u11ff\ud7b0-\ud7fb]"
)
# What takes the character after it: the joiner, signs that stand under numbers, the signs that stack two consonants, and the
# beginnings of Korean syllables.
_TAKES_WHAT_FOLLOWS = re.compile(
    "[\u200d\u0600-\u0605\u06dd\u070f\u08e2\u094d\u09cd\u0a4d\u0acd\u0b4d\u0c4d\u0ccd\u0d4d\u0dca\u1039\u17d2"
    "\u1100-\u115f\ua960-\ua97c]"
)
# A flag is two of these.
_FLAG_LETTER = re.compile("[\U0001f1e6-\U0001f1ff]")


def is_between_characters(text: str, end: int) -> bool:
    """False inside what readers see as one character: a letter with its accents, a flag, an emoji with its skin tone."""
    before, after = text[end - 1], text[end]
    if after.isascii() and before.isascii():
        return not (before == "\r" and after == "\n")
    if _JOINED_TO_BEFORE.match(after) or unicodedata.category(after).startswith("M"):
        return False
    if _TAKES_WHAT_FOLLOWS.match(before):
        return not (unicodedata.category(after).startswith("L") or after.isdigit() or before == "\u200d")
    if _FLAG_LETTER.match(before) and _FLAG_LETTER.match(after):
        return _flag_letters_before(text, end) % 2 == 0
    return True


def _flag_letters_before(text: str, end: int) -> int:
    begin = end
    while begin and _FLAG_LETTER.match(text[begin - 1]):
        begin -= 1
    return end - begin
