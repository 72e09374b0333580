"""The Media Manager: import by URL (ready later) and upload of bytes (ready at once)."""

from __future__ import annotations

import math
import re
from typing import Any

from aiohttp import web

from tests.sandbox import picture
from tests.sandbox.provider import Call
from tests.sandbox.wix_errors import invalid, malformed, not_found
from tests.sandbox.wix_site import MediaFile, Site, new_media_id
from tests.sandbox.world import World

UPLOAD_MAX = 10 * 1024 * 1024
_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}
_EXTENSION = re.compile(r"\.(png|jpe?g|webp|gif)$", re.IGNORECASE)
_MAGIC = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp", b"GIF8": "image/gif"}


async def import_file(site: Site, call: Call, world: World) -> web.Response:
    document = call.document()
    if document is None:
        raise malformed()
    url, display_name = document.get("url"), document.get("displayName", "")
    if not isinstance(url, str) or not re.match(r"https?://[^/]+", url):
        raise invalid("url", "must be a public http(s) url", "INVALID_URL")
    if len(display_name) > 1000 or len(document.get("filePath", "")) > 100:
        raise invalid("displayName", "is too long", "MAX_LENGTH", threshold=1000)
    extension = _extension(document, url, display_name)
    settled_at = world.now() + world.seconds("media")
    if call.has_fault("media_pending_forever"):
        settled_at = math.inf
    file = MediaFile(
        id=new_media_id(extension),
        display_name=(display_name or url.rsplit("/", 1)[-1])[:255],
        size=31_911,
        settled_at=settled_at,
        failed=call.has_fault("media_failed") or not world.has_file(url),
    )
    site.media[file.id] = file
    site.imports += 1
    return web.json_response({"file": file.as_json(world.now(), with_media=False)})


async def get_file(site: Site, call: Call, world: World) -> web.Response:
    file = site.media.get(call.request.query.get("fileId", ""))
    if file is None:
        raise not_found("File")
    return web.json_response({"file": file.as_json(world.now())})


async def search(site: Site, call: Call, world: World) -> web.Response:
    """In the name only; Wix searches type and labels too."""
    text = str((call.document() or {}).get("search") or "").lower()
    now = world.now()
    found = [file.as_json(now) for file in site.media.values() if text in file.display_name.lower()]
    return web.json_response({"files": found[:50], "nextCursor": {"count": len(found[:50]), "hasNext": False}})


def checked_upload(document: dict[str, Any]) -> str:
    """The future file's name; an unknown type is refused when the address is asked for, not when bytes arrive."""
    mime_type = document.get("mimeType")
    if mime_type not in _EXTENSIONS:
        raise invalid("mimeType", "is not supported", "UNSUPPORTED_FILE_FORMAT")
    return str(document.get("fileName") or f"upload.{_EXTENSIONS[mime_type]}")


def upload(site: Site, call: Call, world: World, name: str) -> web.Response:
    mime_type = call.request.content_type
    if not call.body:
        raise invalid("file", "is empty", "ZERO_FILE_SIZE")
    if len(call.body) > UPLOAD_MAX:
        raise invalid("file", "is too large", "FILE_SIZE_OVER_LIMIT", threshold=UPLOAD_MAX)
    if next((kind for magic, kind in _MAGIC.items() if call.body.startswith(magic)), None) != mime_type:
        raise invalid("file", "is not what its Content-Type says", "MISMATCH_MIME_TYPE")
    file = MediaFile(
        id=new_media_id(_EXTENSIONS[mime_type]), display_name=name, size=len(call.body), settled_at=world.now()
    )
    site.media[file.id] = file
    site.imports += 1
    return web.json_response({"file": file.as_json(world.now())})


def _extension(document: dict[str, Any], url: str, display_name: str) -> str:
    """Wix learns the type from mimeType or an extension; its third way, a HEAD request, this stand-in leaves out."""
    if "mimeType" in document:
        if document["mimeType"] not in _EXTENSIONS:
            raise invalid("mimeType", "is not supported", "UNSUPPORTED_FILE_FORMAT")
        return _EXTENSIONS[document["mimeType"]]
    found = _EXTENSION.search(display_name) or _EXTENSION.search(url.partition("?")[0])
    if found is None:
        raise invalid("mimeType", "could not be learnt from url or displayName", "UNSUPPORTED_FILE_FORMAT")
    return found.group(1).lower()


async def show(request: web.Request) -> web.Response:
    """Answer as Wix's media host does, which asks for no credential: with a picture, which stands for any file."""
    return web.Response(body=picture.gradient(request.match_info["id"]), content_type="image/png")


ROUTES = [
    ("POST", "/site-media/v1/files/import", "media_import", import_file),
    ("GET", "/site-media/v1/files/get-file-by-id", "media_get", get_file),
    ("POST", "/site-media/v1/files/search", "media_search", search),
]
