"""Text as people read it, in any script: cleaned, counted and measured; and as an address has it (`slug`).

The slug is made by hand. `python-slugify`, by `anyascii` too, spells a Japanese title as if it were Chinese (陶器の選び方:
"taoqinoxuanbifang"). Ours leaves such letters out, and where none remains Wix makes a slug from the title.
"""

from __future__ import annotations

import re
import unicodedata

from wix import writing_systems

# With controls (but tab, line ends and NEL, which are spaces) and blank letters. Readers see none of these; PostgreSQL's JSON
# refuses a NUL, and UTF-8 a lone surrogate.
_INVISIBLE = re.compile(
    f"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u034f\u115f\u1160\u2800\u3164\uffa0{writing_systems.INVISIBLE}]"
)
# Joiners next to ASCII or a space: there they are only invisible.
_STRAY_JOINERS = re.compile("(?<![^\x00-\x7f\\s])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f\\s])")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
# No-break spaces stay: French and numbers with units need them.
_SPACES = re.compile(r"[^\S\xa0\u202f]+")

_UNSPACED = re.compile(f"[{writing_systems.UNSPACED}]")

# Letters that Unicode doesn't take apart into an ASCII letter and an accent.
_ASCII = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i", "ħ": "h", "ŋ": "n"}
)


def printable(text: str) -> str:
    r"""Remove what readers can't see; make each line end a \n."""
    if _is_plain(text):
        return text
    return _STRAY_JOINERS.sub("", _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text)))


def spaced(text: str) -> str:
    """Put a text on one line with single spaces, one of which may stand at either end."""
    if not _is_plain(text) or "  " in text:
        text = _SPACES.sub(" ", printable(text))
    return " " if text.isspace() else text


def _is_plain(text: str) -> bool:
    """Whether all characters are from the space to the tilde, as mostly: none of these is invisible or ends a line."""
    return text.isascii() and text.isprintable()


def one_line(text: str) -> str:
    return spaced(text).strip()


def words(text: str) -> int:
    """Count words. Where no spaces stand between them (Chinese, Japanese, Thai), two characters count as one."""
    if text.isascii():
        return sum(map(_says_something, text.split()))
    characters = len(_UNSPACED.findall(text))
    spaced_out = _UNSPACED.sub(" ", text).split()
    return sum(map(_says_something, spaced_out)) + (characters + 1) // 2


def _says_something(word: str) -> bool:
    return word[0].isalnum() or any(char.isalnum() for char in word)


def columns(text: str) -> int:
    """Measure how wide a text shows: East Asian characters take two columns, accents none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def slug(text: str, limit: int) -> str:
    """Make lower-case ASCII words with hyphens; '' when no letter is left (Wix then makes a slug from the title)."""
    decomposed = unicodedata.normalize("NFKD", text.lower().translate(_ASCII))
    ascii_only = "".join(char for char in decomposed if not unicodedata.combining(char))
    parts = re.findall(r"[a-z0-9]+", ascii_only.replace("'", "").replace("\u2019", ""))
    if not re.search("[a-z]", "".join(parts)):
        return ""
    return writing_systems.shortened(" ".join(parts), limit).replace(" ", "-")
