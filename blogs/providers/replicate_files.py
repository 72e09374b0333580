"""The picture's file at Replicate: where it may lie, and what kind of file it is.

Wix fetches the picture by its address. So the address must be one of Replicate's own, and name a kind of picture that Wix takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import httpx
from django.conf import settings

from workers.errors import PermanentError
from workers.outbound.addresses import leads_to

_MIME_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}

_STARTS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


@dataclass(frozen=True, slots=True)
class Picture:
    url: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class Download:
    content: bytes
    mime_type: str
    """By its first bytes; a file's name and its host's headers may say something else."""


def picture_named(output: Any) -> Picture:
    """Read the picture's address from a prediction's output: a list of addresses, or one, by model.

    Raises PermanentError `image_failed` for an output without any: `succeeded` alone makes no picture.
    """
    named = output[0] if isinstance(output, list) and output else output
    try:
        url = httpx.URL(named if isinstance(named, str) else "")
    except httpx.InvalidURL:
        url = httpx.URL("")
    if not leads_to(str(url), settings.REPLICATE_FILE_HOSTS, base_url=settings.REPLICATE_BASE_URL):
        raise PermanentError("image_failed", "Replicate named no picture, or one on a host that is not its own.")
    mime_type = _MIME_TYPES.get(PurePosixPath(url.path).suffix.lower())
    if mime_type is None:
        raise PermanentError("image_failed", "Replicate made a file that is not a picture.")
    return Picture(str(url), mime_type)


def mime_type_of(content: bytes) -> str:
    """Read the type from the file's first bytes. Raises PermanentError `image_failed` for what Wix doesn't take."""
    mime_type = next((kind for start, kind in _STARTS.items() if content.startswith(start)), None)
    # RIFF holds sounds and films too; the kind stands behind its length.
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        mime_type = "image/webp"
    if mime_type is None:
        raise PermanentError("image_failed", "Replicate's file is not a picture that Wix takes.")
    return mime_type
