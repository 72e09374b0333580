"""The keys: which are missing, and which can't be what they should be. No part of a key is ever shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.conf import settings

from blogs.preflight.faults import Fault, Process
from wix.client.fields import uuid_or_none
from wix.webhooks import public_keys
from wix.webhooks.public_keys import InvalidKey

_OF_WIX = ("WIX_APP_ID", "WIX_APP_SECRET")
_OF_PROVIDERS = ("OPENAI_API_KEY", "REPLICATE_API_TOKEN")
_SECRET_KEY_LETTERS = 32
# How a provider's own keys begin; other servers that speak its language have other ones.
_BEGINNINGS = {
    "OPENAI_API_KEY": ("sk-", "OPENAI_BASE_URL", "https://api.openai.com/v1"),
    "REPLICATE_API_TOKEN": ("r8_", "REPLICATE_BASE_URL", "https://api.replicate.com"),
}
# What stands in examples, where the key should be.
_PLACEHOLDER = re.compile(r"\.\.\.|…|<.*>|^(changeme|change-me|todo|xxx+|your[-_ ].*|secret|password)$", re.IGNORECASE)


def faults(process: Process | None) -> Iterator[Fault]:
    """Look at the keys that a process of this kind needs; None: at all."""
    names = _OF_WIX if process == "web" else (*_OF_PROVIDERS, *_OF_WIX)
    for name in names:
        if not (value := getattr(settings, name)):
            yield Fault(
                "key_missing", f"{name} is not set.", f"Put it into {name} or into a file that {name}_FILE names."
            )
        else:
            yield from _of_form(name, value)
    yield from _of_form("SECRET_KEY", settings.SECRET_KEY)
    if process != "worker":
        yield from _of_webhooks()


def _of_form(name: str, value: str) -> Iterator[Fault]:
    if because := _malformed(name, value):
        yield Fault("key_malformed", f"{name} {because}.", "Copy it once more, alone and without quotes.")
    elif because := _doubtful(name, value):
        yield Fault("key_doubtful", f"{name} {because}.", "Look whether it is the right one, and whole.")


def _malformed(name: str, value: str) -> str:
    # Whatever a passphrase for signing holds, it works.
    if name == "SECRET_KEY":
        return ""
    if not value.isascii() or not value.isprintable() or " " in value:
        return "holds a space, a newline or another character that is in no key"
    if value[0] in "'\"" or value[-1] in "'\"":
        return "begins or ends with a quotation mark"
    return "is what stands in an example" if _PLACEHOLDER.search(value) else ""


def _doubtful(name: str, value: str) -> str:
    if name == "SECRET_KEY":
        if settings.DEBUG:
            return ""
        if value.startswith("development-only"):
            return "is the one for development, which anyone can read"
        return f"has fewer than {_SECRET_KEY_LETTERS} letters" if len(value) < _SECRET_KEY_LETTERS else ""
    if name == "WIX_APP_ID":
        return "" if uuid_or_none(value) else "is no UUID, as the ids of apps at Wix are"
    beginning, base_url, own = _BEGINNINGS.get(name, ("", "", ""))
    if beginning and getattr(settings, base_url) == own and not value.startswith(beginning):
        return f"does not begin with {beginning}"
    return ""


def _of_webhooks() -> Iterator[Fault]:
    try:
        keys = public_keys.configured()
    except InvalidKey as error:
        to_do = (
            "Copy the public key from the app's Webhooks page at Wix, or name a file in WIX_WEBHOOK_PUBLIC_KEYS_FILE."
        )
        yield Fault("webhook_key_malformed", f"WIX_WEBHOOK_PUBLIC_KEYS can't be used: {error}.", to_do)
        return
    if not keys and not settings.DEBUG:
        message = "WIX_WEBHOOK_PUBLIC_KEYS is not set: installs, removals and payments are not heard of."
        yield Fault("webhook_key_missing", message, "Copy the public key from the app's Webhooks page at Wix.")
