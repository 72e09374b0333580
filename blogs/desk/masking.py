"""Secrets and personal data in what pages show of payloads: replaced by dots, so that a colleague's screen gives none away."""

from __future__ import annotations

import re
from typing import Any

_DOTS = "•••"
# Fields whose values are shown to none. Each word is looked for in the field's name, without its punctuation.
_SECRET = ("token", "secret", "password", "authorization", "apikey", "cookie", "signature", "privatekey")
_PERSONAL = ("email", "phone", "firstname", "lastname", "fullname", "nickname", "birthdate", "ipaddress", "street")
# A number of tokens is no token.
_HARMLESS = re.compile(r"tokens$|tokensreserved$|maxtokens$")
# What is secret or personal wherever it stands: JSON Web Tokens, keys of providers and of ours, credentials in headers, mail
# addresses. Bounded, so that a long text takes no longer than its length.
_IN_TEXT = (
    (re.compile(r"\beyJ[\w-]{8,1000}\.[\w-]+\.[\w-]*"), _DOTS),
    (re.compile(r"\b(?:(?:sk|r8|pk|rk)[-_]|blog_(?=[\w-]{43}))[\w-]{12,}"), _DOTS),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/-]{8,}=*"), rf"\1 {_DOTS}"),
    (re.compile(r"\b([\w+])[\w.+-]{0,63}@([\w-]{1,63}(?:\.[\w-]{1,63}){1,4})\b"), rf"\1{_DOTS}@\2"),
)


def masked(value: Any, name: str = "") -> Any:
    """Return the payload with dots in place of secrets and personal data; its shape stays."""
    if isinstance(value, dict):
        return {key: masked(each, str(key)) for key, each in value.items()}
    if isinstance(value, list):
        return [masked(each, name) for each in value]
    if value is not None and not isinstance(value, bool) and _is_private(name):
        return _DOTS
    return in_text(value) if isinstance(value, str) else value


def in_text(text: str) -> str:
    """Put dots in place of what is secret or personal within a text."""
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    return text


def _is_private(name: str) -> bool:
    plain = re.sub(r"[^a-z]", "", name.lower())
    return not _HARMLESS.search(plain) and any(word in plain for word in (*_SECRET, *_PERSONAL))
