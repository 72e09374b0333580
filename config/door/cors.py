"""Lets our app's own pages at Wix read our answers: a browser there asks first (CORS), and believes only what this says."""

from __future__ import annotations

from urllib.parse import SplitResult

from corsheaders.middleware import CorsMiddleware
from django.conf import settings


class AppPages(CorsMiddleware):
    """django-cors-headers, for the address that Wix gives the app's pages and for those that are configured, letter by letter."""

    def origin_found_in_white_lists(self, origin: str, url: SplitResult) -> bool:
        own = f"https://{settings.WIX_APP_ID.lower()}.wix.run"
        return bool(settings.WIX_APP_ID and origin == own) or origin in settings.CORS_ALLOWED_ORIGINS
