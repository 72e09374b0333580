"""Languages, as Wix names a site's: by tags of BCP 47, such as "en" or "pt-BR".

People and models write these tags in several ways ("pt_BR", "EN", "deu"). `normalised` makes one of them, `same` compares them.
`langcodes` knows which codes name one language. It takes 4 MB and 40 ms, so it is loaded for the first tag that needs it: a process
whose shops and models write usual tags never loads it.
"""

from __future__ import annotations

import re
from functools import lru_cache

TAG_MAX = 35
# Checks the form alone: it allows less than BCP 47 does, and doesn't ask whether such a language exists.
TAG = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z")

# Two-letter codes that were withdrawn for others. Of these alone the tag of two letters is not the usual one.
_WITHDRAWN = {"in", "iw", "ji", "jw", "mo"}
# Norwegian has a code of its own, and one for each of its written forms.
_FORMS = {"nb": "no", "nn": "no"}


def normalised(tag: str) -> str:
    """Write a tag as BCP 47 advises ("zh-Hant-TW"), with a language's code of two letters where it has one ("deu": "de")."""
    language, *others = re.split("[-_]", tag.strip())
    return "-".join([_code(language.lower()), *map(_subtag, others)])


def same(one: str, other: str) -> bool:
    """Say whether two tags name one language, whatever its script and country."""
    first, second = (re.split("[-_]", tag.strip().lower())[0] for tag in (one, other))
    if first == second:
        return True
    first, second = _language(first), _language(second)
    return first == second or _FORMS.get(first) == second or _FORMS.get(second) == first


def _code(language: str) -> str:
    if len(language) == 2 and language not in _WITHDRAWN:
        return language
    known = _language(language)
    return known if len(known) == 2 else language


def _subtag(subtag: str) -> str:
    """Write a script as "Hant", a country as "TW", and anything else in small letters."""
    if len(subtag) == 2:
        return subtag.upper()
    return subtag.title() if len(subtag) == 4 and subtag.isalpha() else subtag.lower()


@lru_cache(maxsize=512)
def _language(code: str) -> str:
    """Return the one code for a language that has several; that of the whole for its standard form ("cmn": "zh")."""
    import langcodes  # see above

    try:
        return langcodes.standardize_tag(code, macro=True).split("-")[0]
    except ValueError:
        return code
