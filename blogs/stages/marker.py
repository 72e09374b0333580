"""The mark of a blog on what it makes at Wix: the draft's first node and the cover's file carry it. Wix has no idempotency keys."""

from __future__ import annotations

from django.conf import settings

from blogs.article import ricos


def marker_of(generation_id: int) -> str:
    return ricos.marker_for(generation_id, settings.SECRET_KEY)
