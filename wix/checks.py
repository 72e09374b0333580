from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

# Wix's own tokens last so long.
_LONGEST_CACHE_SECONDS = 4 * 3600


@register(Tags.compatibility)
def identity_makes_sense(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    secret, previous = settings.WIX_APP_SECRET, settings.WIX_APP_SECRET_PREVIOUS
    if previous and (not secret or previous == secret):
        message = "WIX_APP_SECRET_PREVIOUS must be another secret than WIX_APP_SECRET, which must be set."
        hint = "WIX_APP_SECRET is the new one; take the previous one out when the app's pages have been loaded anew."
        found.append(Error(message, hint=hint, id="wix.E001"))
    if not 0 <= settings.WIX_TOKEN_INFO_CACHE_SECONDS <= _LONGEST_CACHE_SECONDS:
        message = f"WIX_TOKEN_INFO_CACHE_SECONDS must be between 0 and {_LONGEST_CACHE_SECONDS}."
        hint = "300: whoever loses access to a site at Wix may use our API for so long."
        found.append(Error(message, hint=hint, id="wix.E002"))
    if settings.SECRET_KEY in settings.SECRET_KEY_FALLBACKS or "" in settings.SECRET_KEY_FALLBACKS:
        message = "SECRET_KEY_FALLBACKS must hold other keys than SECRET_KEY, and no empty one."
        hint = "SECRET_KEY is the new one; the fallbacks are those before it."
        found.append(Error(message, hint=hint, id="wix.E003"))
    return found
