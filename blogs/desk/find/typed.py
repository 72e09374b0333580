"""Reads what staff have typed or pasted: a number, an id, an address, or words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from wix.client.fields import uuid_or_none

# Longer than any address of ours. What follows is left out.
_READ_MAX = 1_000
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_NUMBER = re.compile(r"#?\s?(\d{1,18})")
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:[^\W_][\w-]*\.)+[^\W\d_]{2,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Typed:
    """What it may be; what it can't be is None or empty."""

    text: str
    number: int | None = None
    uuid: str = ""
    slug: str = ""
    host: str = ""

    @property
    def is_one_word(self) -> bool:
        """Say whether it may be an id of somebody else's, a slug or a key: those have no spaces."""
        return bool(self.text) and not any(char.isspace() for char in self.text)


def read(raw: str) -> Typed:
    text = " ".join(raw[:_READ_MAX].replace("\0", " ").split())
    if number := _NUMBER.fullmatch(text):
        return Typed(text, number=int(number.group(1)))
    if _ADDRESS.fullmatch(text):
        return _address(text)
    if uuid := uuid_or_none(text):
        return Typed(text, uuid=str(uuid))
    if _DOMAIN.fullmatch(text):
        return Typed(text, host=text.lower())
    return Typed(text)


def _address(text: str) -> Typed:
    """Read the address of a draft, which has its id, or of a post, which ends with its slug."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:  # brackets that hold no IPv6 address
        return Typed(text)
    if ids := _UUID.findall(parts.path):
        return Typed(text, uuid=ids[-1].lower(), host=host)
    return Typed(text, slug=unquote(parts.path).rstrip("/").rpartition("/")[2], host=host)
