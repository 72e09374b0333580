"""The mark of a blog on what it makes at Wix: the draft's first node and the cover's file carry it. Wix has no idempotency keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from blogs.article import ricos


def marker_of(generation_id: int) -> str:
    """Return the mark for what is made now."""
    return ricos.marker_for(generation_id, settings.SECRET_KEY)


def blog_of(rich_content: Mapping[str, Any]) -> int | None:
    """Return the number of the blog whose draft this is, also if it was marked with a key before `SECRET_KEY`; None: not ours."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    for generation_id, marker in ricos.markers_in(rich_content):
        if any(marker == ricos.marker_for(generation_id, key) for key in keys):
            return generation_id
    return None
