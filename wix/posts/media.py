"""Brings pictures into a site's media manager, and looks for those that are there already."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from wix.client import http
from wix.client.fields import list_in, number, object_in, objects, pick, picked_id
from workers.errors import PermanentError, TransientError

# In less time no answer can be expected, and the breaker would count that against Wix.
_LEAST_SECONDS = 1.0
_READY, _FAILED = "READY", "FAILED"
# No picture has sides of so many pixels.
_SIDE_MAX = 100_000
UPLOAD_MAX_BYTES = 10 * 1024 * 1024


class ImportFailed(PermanentError):
    """Wix could not fetch the picture, or could not read it. An upload of the same bytes may still work."""


@dataclass(frozen=True, slots=True)
class MediaFile:
    id: str
    width: int
    height: int


def import_image(instance_id: str, url: str, name: str, mime_type: str, *, seconds: float) -> str:
    """Have Wix fetch a picture, and return the new file's id; the file isn't ready yet. Raises ImportFailed if refused."""
    body = {"url": url, "mediaType": "IMAGE", "displayName": name[:255], "mimeType": mime_type}
    path = "/site-media/v1/files/import"
    try:
        answer = http.request(instance_id, "POST", path, operation="media_import", seconds=seconds, body=body)
    except http.WixRefused as refused:
        raise _failed(refused) from refused
    return picked_id(answer, "file", "id")


def imported_before(instance_id: str, name: str, *, seconds: float) -> str | None:
    """Find a file of exactly this name that is ready or may become so, and return its id.

    An import has no idempotency key. So where one may have been begun already, look here first.
    """
    body = {"search": name, "mediaTypes": ["IMAGE"]}
    path = "/site-media/v1/files/search"
    try:
        answer = http.request(instance_id, "POST", path, operation="media_search", seconds=seconds, body=body)
    except http.WixRefused:
        return None  # a second file in the media manager costs less than a blog without its picture
    files = [
        file
        for file in objects(list_in(answer, "files"))
        if file.get("displayName") == name and file.get("operationStatus") != _FAILED
    ]
    files.sort(key=lambda file: file.get("operationStatus") != _READY)
    return picked_id(files, 0, "id") if files else None


def upload_image(instance_id: str, name: str, mime_type: str, content: bytes, *, seconds: float) -> str:
    """Upload a picture of up to 10 MB, and return the new file's id; the file is ready at once, or soon. Raises ImportFailed."""
    body = {"mimeType": mime_type, "fileName": name[:255]}
    path = "/site-media/v1/files/generate-upload-url"
    try:
        answer = http.request(instance_id, "POST", path, operation="media_upload_url", seconds=seconds, body=body)
        url = str(pick(answer, "uploadUrl"))
        answer = http.upload(instance_id, url, content, mime_type, seconds=seconds)
    except http.WixRefused as refused:
        raise _failed(refused) from refused
    return picked_id(answer, "file", "id")


def wait_until_ready(instance_id: str, file_id: str, *, seconds: float) -> MediaFile:
    """Poll until the picture can be used. Raises TransientError when `seconds` are over, ImportFailed if Wix gave up on it."""
    ends_at = time.monotonic() + seconds
    while True:
        left = ends_at - time.monotonic()
        if left <= _LEAST_SECONDS:
            raise TransientError("media_not_ready", "Wix did not finish importing the picture in time.")
        # Wait before the first look: a file is never ready at once, and each look is one of the site's 200 calls a minute.
        time.sleep(min(settings.WIX_MEDIA_POLL_SECONDS, left - _LEAST_SECONDS))
        file = _file(instance_id, file_id, ends_at - time.monotonic())
        if file.get("operationStatus") == _FAILED:
            raise ImportFailed("media_failed", "Wix could not import the picture.")
        if ready := _ready(file_id, file):
            return ready


def ready(instance_id: str, file_id: str, *, seconds: float) -> MediaFile | None:
    """Return a picture of this site's media manager that is ready to be used; None where there is no such file or picture."""
    try:
        return _ready(file_id, _file(instance_id, file_id, seconds))
    except http.WixRefused as refused:
        if refused.status not in (400, 403, 404):
            raise
    return None


def _file(instance_id: str, file_id: str, seconds: float) -> dict[str, Any]:
    path, params = "/site-media/v1/files/get-file-by-id", {"fileId": file_id}
    answer = http.request(instance_id, "GET", path, operation="media_get", seconds=seconds, params=params)
    return object_in(answer, "file")


def _ready(file_id: str, file: dict[str, Any]) -> MediaFile | None:
    image = object_in(object_in(object_in(file, "media"), "image"), "image")
    width, height = (number(image.get(side)) or 0 for side in ("width", "height"))
    if file.get("operationStatus") != _READY or not (1 <= width < _SIDE_MAX and 1 <= height < _SIDE_MAX):
        return None
    return MediaFile(file_id, int(width), int(height))


_QUOTA = "SITE_QUOTA_EXCEEDED"


def _failed(refused: http.WixRefused) -> PermanentError:
    if _QUOTA in (refused.application_code, *refused.rules):
        return PermanentError("media_quota", "The site's media manager is full; the owner must make room in it.")
    return ImportFailed("media_failed", refused.message)
