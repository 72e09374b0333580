"""What a request's Content-Type and Accept may say, and how they are read: Python's parser raises different errors for some."""

from __future__ import annotations

from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import cache

from django.utils.http import parse_header_parameters

# Those of browsers have up to 150 characters.
_LONGEST = 1_000
# With what UTF-7 would read as something else.
_ASCII = "".join(map(chr, range(0x20, 0x7F))) + " +AGE- "
# A codec that is known by name. Python keeps each unknown name that it was ever asked for.
_CODECS = frozenset(aliases.values()) - {"unicode_escape", "raw_unicode_escape"}


def read(content_type: str) -> tuple[str, dict[str, str]] | None:
    """Return a Content-Type's kind and parameters; None where it can't be read, or names no charset of ours."""
    parsed = _parsed(content_type)
    if parsed is None or ("charset" in parsed[1] and not _is_charset(parsed[1]["charset"])):
        return None
    return parsed


def is_acceptable(accept: str) -> bool:
    """Tell whether an Accept header can be read."""
    return len(accept) <= _LONGEST and all(_parsed(kind) is not None for kind in accept.split(","))


def _parsed(header: str) -> tuple[str, dict[str, str]] | None:
    if len(header) > _LONGEST:
        return None
    try:
        kind, parameters = parse_header_parameters(header)
    except (ValueError, LookupError, TypeError):
        return None
    return kind, parameters


def _is_charset(name: str) -> bool:
    """Tell whether a text may be in this charset: UTF-8, or another that has ASCII's letters where ASCII has them."""
    if not name.isascii():
        return False
    known = normalize_encoding(name.strip()).lower()
    known = aliases.get(known, known)
    return known in _CODECS and _extends_ascii(known)


@cache
def _extends_ascii(codec: str) -> bool:
    try:
        return _ASCII.encode("ascii").decode(codec) == _ASCII
    except (LookupError, ValueError):
        # LookupError: it makes bytes of bytes, as hex and bz2 do.
        return False
