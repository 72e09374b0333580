"""What differs between the world's writing systems: which put no spaces between words, what in them isn't seen, and where a text
in any of them is cut."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

from workers.texts import is_between_characters

# For a character class: scripts between whose words stand no spaces. Thai, Lao, Burmese, Khmer, Tai Le, New Tai Lü, Tai Tham,
# Tai Viet, Ahom, Balinese, Javanese, kana, bopomofo, Han, Yi, Tangut and Nüshu.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u1b00-\u1b7f\u3005-\u3007\u3040-\u312f\u31a0-\u31bf"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua980-\ua9ff\uaa60-\uaadf\uf900-\ufaff\uff66-\uff9f"
    "\U00011700-\U0001173f\U00016fe0-\U00018d08\U0001aff0-\U0001b2ff\U00020000-\U0003ffff"
)
# For a character class: the letters of a Tibetan syllable. A mark (tsheg) stands after each, and no space between words.
TIBETAN = "\u0f00\u0f20-\u0f33\u0f35\u0f37\u0f39\u0f3e-\u0fbc"
# For a character class: marks that write a text from right to left or back whatever it says, so that it reads as another.
OVERRIDES = "\u202d\u202e"
# For a character class: soft hyphens, zero-width and direction marks, lone surrogates and tags. Without the two joiners, which
# belong into Persian words, Indian scripts and family emoji.
INVISIBLE = (
    "\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f"
)
# For a character class: letters and a joiner of accents that show nothing at all.
BLANK = "\u034f\u115f\u1160\u2800\u3164\uffa0"
# A flag that is spelled with tags, as Scotland's is: by the code of its region. Tags elsewhere only hide words from the reader.
_SPELLED_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"

_MARKS = "\u0f0b\u0f0d-\u0f14\u3000-\u3004\u3008-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
# How many marks may follow a letter, by Unicode's stream-safe text format (UAX #15). No language needs more than five.
MARKS_MAX = 30
# A text without spaces may be cut beside any of these.
_CUTTABLE = re.compile(f"[{UNSPACED}{_MARKS}]")
# Commas, colons, dashes and opening brackets and quotes: no cut text ends with one of them.
_DANGLING = (
    ",;:-\u2013\u2014/&+([{\xab\u201c\u2018\u201e\u201a\xbf\xa1\u060c\u061b"
    "\u3001\uff0c\uff1b\uff1a\u30fb\uff08\u300c\u300e\u3010\u300a"
)


class Invisible:
    """Removes the characters of a class from texts, but not the tags of a flag."""

    def __init__(self, characters: str) -> None:
        self._pattern = re.compile(f"({_SPELLED_FLAG})|[{characters}]")

    def removed(self, text: str) -> str:
        return self._pattern.sub(r"\1", text)


def has_endless_marks(text: str) -> bool:
    """Tell whether more than MARKS_MAX marks follow one letter."""
    return not text.isascii() and any(count > MARKS_MAX for _, count in _marks_counted(text))


def normalized(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """Put a text into one of Unicode's forms. Of endless marks only the first MARKS_MAX stay.

    `unicodedata.normalize` sorts the marks of a letter in quadratic time: 32,000 of them take two seconds.
    """
    if has_endless_marks(text):
        text = "".join(char for char, count in _marks_counted(text) if count <= MARKS_MAX)
    return unicodedata.normalize(form, text)


def _marks_counted(text: str) -> Iterator[tuple[str, int]]:
    """Yield each character with the number of marks that have come since the last letter.

    Taken apart, since some are marks only then: Tibetan vowel signs, half-width sound marks.
    """
    count = 0
    for char in text:
        for part in unicodedata.normalize("NFKD", char):
            count = count + 1 if unicodedata.combining(part) else 0
        yield char, count


def shortened(text: str, limit: int, *, least: int = 0) -> str:
    """Cut a text to at most `limit` characters, between words, or between characters where the script has no spaces.

    Where its words end too early to leave more than `least` characters, it is cut between characters too.
    """
    text = text.strip()
    if len(text) <= limit:
        return text
    end = next((end for end in range(limit, least, -1) if _between_words(text, end)), None)
    if end is None:
        end = next((end for end in range(limit, 0, -1) if is_between_characters(text, end)), 0)
    while end and (text[end - 1].isspace() or text[end - 1] in _DANGLING):
        end -= 1
    return text[:end]


def _between_words(text: str, end: int) -> bool:
    before, after = text[end - 1], text[end]
    if before.isspace() or after.isspace():
        return True
    return bool(_CUTTABLE.match(before) or _CUTTABLE.match(after)) and is_between_characters(text, end)
