"""One request to Wix for a site: through the outbound door, with the site's own access token and its own limit."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from wix.client import access_tokens, token_fetch, wire
from wix.client.answers import WixRefused
from wix.client.wire import WIX, Request
from workers.errors import PermanentError
from workers.limits import Limit
from workers.outbound.addresses import leads_to

__all__ = ["WixRefused", "request", "upload"]


def request(
    instance_id: str,
    method: str,
    path: str,
    *,
    operation: str,
    seconds: float,
    may_be_gone: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """Make one call for a site, with `body`, `params` or `before_sending` if given; once more if Wix refuses the token.

    `may_be_gone` is for sites that may have removed the app just now: a token that Wix refuses to give is an answer then, and no
    failure of Wix's. Raises WixRefused (4xx), RateLimited, TransientError; with `may_be_gone`, NotConnected.
    """
    wanted = Request(method, path, operation, seconds, **more)
    fetch = partial(token_fetch.fetch, instance_id, may_be_gone=may_be_gone)
    token = access_tokens.current(instance_id, fetch)
    try:
        return _with_token(instance_id, wanted, token)
    except WixRefused as refused:
        if refused.status != 401:
            raise
    return _with_token(instance_id, wanted, access_tokens.renewed(instance_id, token, fetch))


def upload(instance_id: str, url: str, content: bytes, mime_type: str, *, seconds: float) -> dict[str, Any]:
    """Send bytes to an address that Wix gave us. It carries its own permission: no token of ours goes there.

    Raises WixRefused (4xx), RateLimited, TransientError; PermanentError `media_failed` for an address that is not on a host of Wix.
    """
    hosts = [*settings.WIX_UPLOAD_HOSTS, urlsplit(settings.WIX_BASE_URL).hostname or ""]
    if not leads_to(url, hosts, base_url=settings.WIX_BASE_URL):
        raise PermanentError("media_failed", "Wix named an upload address that is not on a host of its own.")
    wanted = Request("PUT", url, "media_upload", seconds, body=content)
    return wire.exchange(WIX, Limit("wix", key=instance_id), wanted, {"Content-Type": mime_type})


def _with_token(instance_id: str, wanted: Request, token: str) -> dict[str, Any]:
    return wire.exchange(WIX, Limit("wix", key=instance_id), wanted, {"Authorization": token})
