"""A blog's mark on what it makes at Wix, which has no idempotency keys: the draft's first node and the cover's file carry it."""

from __future__ import annotations

from django.conf import settings

from blogs.article import ricos


def marker_of(generation_id: int) -> str:
    return ricos.marker_for(generation_id, settings.SECRET_KEY)
