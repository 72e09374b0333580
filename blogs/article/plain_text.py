"""Text as people read it, in any script: cleaned, compared, counted and measured."""

from __future__ import annotations

import re
import unicodedata

from wix import writing_systems
from workers.texts import UNREADABLE

# With controls (but tab, line ends and NEL, which are spaces), blank letters, and the mark for what could not be read. Readers see
# none of these, or learn nothing from them.
_INVISIBLE = writing_systems.Invisible(
    f"\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f{writing_systems.BLANK}{UNREADABLE}{writing_systems.INVISIBLE}"
)
# Joiners next to ASCII or a space: there they are only invisible. A run is looked at once, from its beginning: from each of its
# joiners, a long run takes quadratic time.
_STRAY_JOINERS = re.compile(
    "(?<![^\x00-\x7f\\s])[\u200c\u200d]++|(?<![\u200c\u200d])[\u200c\u200d]++(?![^\x00-\x7f\\s])"
)
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
# No-break spaces stay: French and numbers with units need them.
_SPACES = re.compile(r"[^\S\xa0\u202f]+")

_UNSPACED = re.compile(f"[{writing_systems.UNSPACED}]")

_TIBETAN_SYLLABLE = re.compile(f"[{writing_systems.TIBETAN}]+")


def printable(text: str) -> str:
    r"""Remove what readers can't see; make each line end a \n."""
    if _is_plain(text):
        return text
    return _STRAY_JOINERS.sub("", _INVISIBLE.removed(_LINE_ENDS.sub("\n", text)))


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


def folded(text: str) -> str:
    """Return the form by which texts are compared: in whatever capitals, in Unicode's composed form."""
    return writing_systems.normalized("NFC", text.casefold())


def words(text: str) -> int:
    """Count words. Where no spaces stand between them, two characters count as one (Chinese, Thai), or two syllables (Tibetan)."""
    if text.isascii():
        return sum(map(_says_something, text.split()))
    without_tibetan, syllables = _TIBETAN_SYLLABLE.subn(" ", text)
    spaced_out, characters = _UNSPACED.subn(" ", without_tibetan)
    return sum(map(_says_something, spaced_out.split())) + (characters + 1) // 2 + (syllables + 1) // 2


def _says_something(word: str) -> bool:
    return word[0].isalnum() or any(char.isalnum() for char in word)


def columns(text: str) -> int:
    """Measure how wide a text shows: East Asian characters take two columns, accents none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
