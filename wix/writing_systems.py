"""What differs between the world's writing systems: which put no spaces between words, and where a text in any of them is cut."""

from __future__ import annotations

import re
import unicodedata

# For a character class: Thai, Lao, Burmese, Khmer, kana, Han. Between their words stand no spaces.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
# For a character class: soft hyphens, zero-width and direction marks, lone surrogates and tags. Without the two joiners, which
# belong into Persian words, Indian scripts and family emoji.
INVISIBLE = (
    "\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f"
)

_MARKS = "\u3000-\u3004\u3008-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
# A text without spaces may be cut beside any of these.
_CUTTABLE = re.compile(f"[{UNSPACED}{_MARKS}]")
# Commas, colons, dashes and opening brackets and quotes: no cut text ends with one of them.
_DANGLING = (
    ",;:-\u2013\u2014/&+([{\xab\u201c\u2018\u201e\u201a\xbf\xa1\u060c\u061b"
    "\u3001\uff0c\uff1b\uff1a\u30fb\uff08\u300c\u300e\u3010\u300a"
)


def shortened(text: str, limit: int, *, least: int = 0) -> str:
    """Cut a text to at most `limit` characters, between words, or between characters where the script has no spaces.

    Where its words end too early to leave more than `least` characters, it is cut between characters too.
    """
    text = text.strip()
    if len(text) <= limit:
        return text
    end = next((end for end in range(limit, least, -1) if _between_words(text, end)), None)
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
    """False inside what readers see as one character: a letter with its accents, an emoji with its skin tone."""
    before, after = text[end - 1], text[end]
    joined = before == "\u200d" or after in "\u200c\u200d" or "\U0001f3fb" <= after <= "\U0001f3ff"
    return not joined and not unicodedata.category(after).startswith("M")
