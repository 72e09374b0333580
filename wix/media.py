"""Pictures into a site's media manager."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings

from wix import http
from workers.errors import PermanentError, TransientError

# In less no answer can be expected, and a look that has no chance would be counted against Wix.
_LEAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class MediaFile:
    id: str
    width: int
    height: int


def import_image(instance_id: str, url: str, name: str, mime_type: str, *, seconds: float) -> str:
    """Ask Wix to fetch a picture; the new file's id. It isn't ready yet."""
    body = {"url": url, "mediaType": "IMAGE", "displayName": name[:255], "mimeType": mime_type}
    answer = http.request(
        instance_id, "POST", "/site-media/v1/files/import", operation="media_import", seconds=seconds, body=body
    )
    return str(http.pick(answer, "file", "id"))


def wait_until_ready(instance_id: str, file_id: str, *, seconds: float) -> MediaFile:
    """Poll until the picture can be used. TransientError when `seconds` are over, PermanentError if Wix gave up on it."""
    ends_at = time.monotonic() + seconds
    while True:
        left = ends_at - time.monotonic()
        if left <= _LEAST_SECONDS:
            raise TransientError("media_not_ready", "Wix did not finish importing the picture in time.")
        # It never is at once, and each look is one of the site's 200 calls a minute.
        time.sleep(min(settings.WIX_MEDIA_POLL_SECONDS, left - _LEAST_SECONDS))
        answer = http.request(
            instance_id,
            "GET",
            "/site-media/v1/files/get-file-by-id",
            operation="media_get",
            seconds=ends_at - time.monotonic(),
            params={"fileId": file_id},
        )
        file = answer.get("file") or {}
        if file.get("operationStatus") == "FAILED":
            raise PermanentError("media_failed", "Wix could not import the picture.")
        size = ((file.get("media") or {}).get("image") or {}).get("image") or {}
        if file.get("operationStatus") == "READY" and size.get("width") and size.get("height"):
            return MediaFile(file_id, int(size["width"]), int(size["height"]))
