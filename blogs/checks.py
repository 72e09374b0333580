from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.compatibility)
def settings_make_sense(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    positive = [
        "BLOG_CREDITS",
        "BLOG_QUEUE_LIMIT",
        "BLOG_MAX_ATTEMPTS",
        "BLOG_WORKER_THREADS",
        "BLOG_WORKER_SITE_SEATS",
        "BLOG_RETENTION_DAYS",
    ]
    found: list[CheckMessage] = [
        Error(f"{name} must be at least 1, not {getattr(settings, name)}.", hint=f"Correct {name}.", id="blogs.E001")
        for name in positive
        if getattr(settings, name) < 1
    ]
    lookup, deadline = settings.BLOG_DRAFT_LOOKUP_SECONDS, settings.STAGE_DEADLINE_SECONDS["draft"]
    if lookup < deadline:
        found.append(
            Error(
                f"BLOG_DRAFT_LOOKUP_SECONDS ({lookup}) is less than STAGE_DRAFT_DEADLINE_SECONDS ({deadline}).",
                hint="A create could still succeed after the look-up, and make a second draft: wait at least as long.",
                id="blogs.E002",
            )
        )
    return found


@register(Tags.security, deploy=True)
def keys_are_set(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    needed = ["OPENAI_API_KEY", "REPLICATE_API_TOKEN", "WIX_APP_ID", "WIX_APP_SECRET"]
    return [
        Error(f"{name} is not set.", hint="Put it into the environment or .env.", id="blogs.E003")
        for name in needed
        if not getattr(settings, name)
    ]
