"""Checks, at start, that the settings of this room make sense together."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from wix.webhooks import public_keys
from wix.webhooks.public_keys import InvalidKey

# Wix's own tokens last four hours.
_LONGEST_CACHE_SECONDS = 4 * 3600
_LONGEST_REFUSAL_SECONDS = 600
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")


@register(Tags.compatibility)
def identity_makes_sense(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    secret, previous = settings.WIX_APP_SECRET, settings.WIX_APP_SECRET_PREVIOUS
    if previous and (not secret or previous == secret):
        message = "WIX_APP_SECRET_PREVIOUS must be another secret than WIX_APP_SECRET, which must be set."
        hint = "WIX_APP_SECRET is the new one; take the previous one out when the app's pages have been loaded again."
        found.append(Error(message, hint=hint, id="wix.E001"))
    if not 0 <= settings.WIX_TOKEN_INFO_CACHE_SECONDS <= _LONGEST_CACHE_SECONDS:
        message = f"WIX_TOKEN_INFO_CACHE_SECONDS must be between 0 and {_LONGEST_CACHE_SECONDS}."
        hint = "300: for this time a person who has lost access to a site at Wix may still use our API."
        found.append(Error(message, hint=hint, id="wix.E002"))
    if not 0 <= settings.WIX_TOKEN_INFO_REFUSED_SECONDS <= _LONGEST_REFUSAL_SECONDS:
        message = f"WIX_TOKEN_INFO_REFUSED_SECONDS must be between 0 and {_LONGEST_REFUSAL_SECONDS}."
        hint = "30: for this time a token that Wix has refused is refused without asking again."
        found.append(Error(message, hint=hint, id="wix.E004"))
    if settings.WIX_TOKEN_INFO_THREADS < 1:
        message = "WIX_TOKEN_INFO_THREADS must be at least 1."
        hint = "6: a third of WEB_THREADS. With more, false tokens would keep other requests waiting."
        found.append(Error(message, hint=hint, id="wix.E005"))
    if settings.SECRET_KEY in settings.SECRET_KEY_FALLBACKS or "" in settings.SECRET_KEY_FALLBACKS:
        message = "SECRET_KEY_FALLBACKS must hold other keys than SECRET_KEY, and no empty one."
        hint = "SECRET_KEY is the new one; the fallbacks are those before it."
        found.append(Error(message, hint=hint, id="wix.E003"))
    return found


@register(Tags.compatibility)
def media_host_makes_sense(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse what would break the pages' content policy, in which it stands."""
    if _ORIGIN.fullmatch(settings.WIX_MEDIA_BASE_URL):
        return []
    message = "WIX_MEDIA_BASE_URL must be an origin: a scheme and a host, without a path."
    return [Error(message, hint="https://static.wixstatic.com", id="wix.E021")]


@register(Tags.compatibility)
def billing_makes_sense(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.TRIAL_CREDITS < 0:
        message = "TRIAL_CREDITS must not be negative."
        found.append(Error(message, hint="0 gives no trial credits.", id="wix.E011"))
    if settings.WEBHOOK_RETENTION_DAYS < 3:
        message = "WEBHOOK_RETENTION_DAYS must be at least 3."
        hint = "Wix sends an event again for two days; one that we have forgotten would be handled again."
        found.append(Error(message, hint=hint, id="wix.E012"))
    return found


# Under a tag of its own, which a worker doesn't run: it verifies no webhook, and cryptography would cost it ten megabytes.
@register("webhooks")
def webhook_keys_can_be_read(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for number, text in enumerate(settings.WIX_WEBHOOK_PUBLIC_KEYS, 1):
        try:
            public_keys.read(text)
        except InvalidKey as error:
            hint = "Copy the public key from the app's Webhooks page at Wix, as it is, with \\n for newlines, or as base64."
            message = f"WIX_WEBHOOK_PUBLIC_KEYS, number {number}: {error}."
            found.append(Error(message, hint=hint, id="wix.E013"))
    return found


@register(Tags.security, deploy=True)
def production_believes_wix_alone(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not settings.WIX_WEBHOOK_PUBLIC_KEYS:
        message = "WIX_WEBHOOK_PUBLIC_KEYS is not set: installs, uninstalls and payments would not be heard of."
        hint = "Copy the public key from the app's Webhooks page at Wix."
        found.append(checks.Warning(message, hint=hint, id="wix.W011"))
    if settings.WIX_WEBHOOK_DEV_PRIVATE_KEY_FILE:
        message = "WIX_WEBHOOK_DEV_PRIVATE_KEY_FILE is set: anyone who has that file could send webhooks in Wix's name."
        found.append(Error(message, hint="Leave it out of the environment of production.", id="wix.E014"))
    return found
