"""Text as people read it: cleaned, counted, measured and cut, in any script."""

from __future__ import annotations

import re
import unicodedata

# Controls (but tab, line ends and NEL, which are spaces), soft hyphens, zero-width and direction marks, blank letters,
# lone surrogates and tags: nobody sees them, PostgreSQL's JSON refuses a NUL and UTF-8 a surrogate.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# Joiners belong into Persian words, Indian scripts and family emoji; next to ASCII or a space they are only invisible.
_STRAY_JOINERS = re.compile("(?<![^\x00-\x7f\\s])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f\\s])")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
# No-break spaces stay: French and numbers with units need them.
_SPACES = re.compile(r"[^\S\xa0\u202f]+")

# Scripts without spaces between words, to be cut beside any letter or mark: Thai, Lao, Burmese, Khmer, kana, Han.
_LETTERS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
_MARKS = "\u3000-\u3004\u3008-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
_UNSPACED = re.compile(f"[{_LETTERS}]")
_CUTTABLE = re.compile(f"[{_LETTERS}{_MARKS}]")
# Commas, colons, dashes and opening brackets and quotes: nothing ends with one of these.
_DANGLING = (
    ",;:-\u2013\u2014/&+([{\xab\u201c\u2018\u201e\u201a\xbf\xa1\u060c\u061b"
    "\u3001\uff0c\uff1b\uff1a\u30fb\uff08\u300c\u300e\u3010\u300a"
)

# Letters that Unicode doesn't take apart into an ASCII letter and an accent.
_ASCII = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i", "ħ": "h", "ŋ": "n"}
)


def printable(text: str) -> str:
    r"""Without what nobody can see; line ends become \n."""
    if _is_plain(text):
        return text
    return _STRAY_JOINERS.sub("", _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text)))


def spaced(text: str) -> str:
    """On one line with single spaces, one of which may stand at either end."""
    if not _is_plain(text) or "  " in text:
        text = _SPACES.sub(" ", printable(text))
    return " " if text.isspace() else text


def _is_plain(text: str) -> bool:
    """From the space to the tilde, as most of what we read is: nothing in it can be invisible or end a line."""
    return text.isascii() and text.isprintable()


def one_line(text: str) -> str:
    return spaced(text).strip()


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words, or between characters where the script has no spaces."""
    text = text.strip()
    if len(text) <= limit:
        return text
    end = next((end for end in range(limit, 0, -1) if _between_words(text, end)), None)
    if end is None:
        end = next((end for end in range(limit, 0, -1) if _between_characters(text, end)), 0)
    while end and (text[end - 1].isspace() or text[end - 1] in _DANGLING):
        end -= 1
    return text[:end]


def _between_words(text: str, end: int) -> bool:
    before, after = text[end - 1], text[end]
    if before.isspace() or after.isspace():
        return True
    return bool(_CUTTABLE.match(before) or _CUTTABLE.match(after)) and _between_characters(text, end)


def _between_characters(text: str, end: int) -> bool:
    """False inside what readers see as one: a letter with its accents, an emoji with its skin tone."""
    before, after = text[end - 1], text[end]
    joined = before == "\u200d" or after in "\u200c\u200d" or "\U0001f3fb" <= after <= "\U0001f3ff"
    return not joined and not unicodedata.category(after).startswith("M")


def words(text: str) -> int:
    """Where there are no spaces to count by (Chinese, Japanese, Thai), two characters count as a word."""
    if text.isascii():
        return sum(map(_says_something, text.split()))
    characters = len(_UNSPACED.findall(text))
    spaced_out = _UNSPACED.sub(" ", text).split()
    return sum(map(_says_something, spaced_out)) + (characters + 1) // 2


def _says_something(word: str) -> bool:
    return word[0].isalnum() or any(char.isalnum() for char in word)


def columns(text: str) -> int:
    """How wide it shows: East Asian characters take two columns, accents none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def slug(text: str, limit: int) -> str:
    """Lower-case ASCII words with hyphens; '' when no letter is left (Wix then makes one from the title)."""
    decomposed = unicodedata.normalize("NFKD", text.lower().translate(_ASCII))
    ascii_only = "".join(char for char in decomposed if not unicodedata.combining(char))
    parts = re.findall(r"[a-z0-9]+", ascii_only.replace("'", "").replace("\u2019", ""))
    if not re.search("[a-z]", "".join(parts)):
        return ""
    return shortened(" ".join(parts), limit).replace(" ", "-")
