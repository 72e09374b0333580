"""An article's slug: its title as an address has it, in ASCII.

It is made by hand. `python-slugify`, by `anyascii` too, spells a Japanese title as if it were Chinese (陶器の選び方:
"taoqinoxuanbifang"). Ours leaves other scripts out, and where no letter remains Wix makes a slug from the title. Of a Latin letter
something must remain, or its word would be torn in two.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from wix.writing_systems import shortened

# Spelled with two letters, or with one that their name doesn't say. The other Latin letters are taken by their names.
_SPELLED = {
    "ß": "ss", "œ": "oe", "æ": "ae", "þ": "th", "ð": "d", "ŋ": "n", "ə": "e", "ǝ": "e", "ɤ": "o", "ʃ": "s", "ʒ": "z", "ɣ": "g",
    "ɩ": "i", "ʊ": "u", "ɔ": "o", "ʋ": "v", "ʌ": "v", "ɸ": "f", "ʀ": "r", "ĸ": "k", "ƣ": "gh", "ƕ": "hv", "ȣ": "ou", "ɑ": "a",
    "ɒ": "a", "ʉ": "u", "ᵿ": "u", "ȝ": "y", "ƿ": "w", "ɚ": "e", "ɮ": "lz", "ꝛ": "r", "ꝥ": "th", "ỻ": "ll", "ỽ": "v", "ꜧ": "h",
}  # fmt: skip
# "LATIN SMALL LETTER D WITH STROKE", "LATIN SMALL LETTER OPEN E", "LATIN SMALL LIGATURE IJ"
_NAMED = re.compile(
    r"LATIN (?:SMALL |CAPITAL |LETTER )*(?:LIGATURE )?(?:[A-Z]{3,} |SMALL CAPITAL )*([A-Z]{1,2})(?: WITH .*)?"
)
# Stand within a word, and are no letters: apostrophes of all kinds, and the dot of Catalan's double l.
_WITHIN_WORDS = re.compile("[\\'`\xb4\xb7\u2018\u2019\u201b\u2027\u2032\uff07]")


def slug(text: str, limit: int) -> str:
    """Make lower-case ASCII words with hyphens; '' when no letter is left (Wix then makes a slug from the title)."""
    whole = _WITHIN_WORDS.sub("", text.lower())
    spelled = "".join(char if char.isascii() else _ascii(char) for char in whole)
    parts = re.findall(r"[a-z0-9]+", spelled)
    made = shortened(" ".join(parts), limit).replace(" ", "-")
    return made if re.search("[a-z]", made) else ""


@lru_cache(maxsize=4_096)
def _ascii(char: str) -> str:
    """Spell one character; a space for what parts words, or is of another script."""
    if char in _SPELLED:
        return _SPELLED[char]
    decomposed = unicodedata.normalize("NFKD", char).lower()
    if decomposed != char and unicodedata.category(char) != "So":  # "™" is no part of a word
        return "".join(part if part.isascii() else _ascii(part) for part in decomposed if part != "\xb7")
    # Accents, and the apostrophes that are letters: Hawaiian, Uzbek, Ukrainian in Latin letters.
    if unicodedata.category(char) in ("Mn", "Me", "Cf", "Lm"):
        return ""
    name = unicodedata.name(char, "")
    if not char.isalpha() or not name.startswith("LATIN "):
        return " "
    named = _NAMED.fullmatch(name)
    return named[1].lower() if named else ""
