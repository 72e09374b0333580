"""What is refused before Django sees it, as all other errors are: problem+json with a request id, and one line in the log."""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass
from http import HTTPStatus

from gunicorn.http import errors

from blogs.api.errors.codes import CODES, address
from wix.identity import site_limits

logger = logging.getLogger(__name__)

# A page of a browser must be able to read why it is put off; this says nothing of any site.
_READABLE = (
    "Access-Control-Allow-Origin: *",
    f"Access-Control-Expose-Headers: Retry-After, X-Request-ID, {site_limits.STATE_FIELD}, {site_limits.POLICY_FIELD}",
)


@dataclass(frozen=True, slots=True)
class Refusal:
    http: int
    code: str
    detail: str
    retry_after: int | None = None
    # Of the limit that was reached; "" for none of a site's.
    rate_state: str = ""

    def answer(self, *, stays: bool = False, to_head: bool = False) -> bytes:
        """Return the whole answer, and log it. It ends the connection unless that `stays`. `to_head`: HEAD asked, and no body may
        follow: on a connection that stays the client would read it as the next answer."""
        request_id = uuid.uuid4().hex
        about = {"action": "refused", "http": self.http, "code": self.code, "request_id": request_id}
        logger.info("request refused", extra=about)
        problem = {
            "type": address(self.code),
            "title": CODES[self.code].title,
            "status": self.http,
            "code": self.code,
            "detail": self.detail,
            "retryable": CODES[self.code].retryable,
            "requestId": request_id,
        }
        body = json.dumps(problem).encode()
        head = [
            f"HTTP/1.1 {self.http} {HTTPStatus(self.http).phrase}",
            f"Connection: {'keep-alive' if stays else 'close'}",
            "Content-Type: application/problem+json",
            f"Content-Length: {len(body)}",
            f"X-Request-ID: {request_id}",
            f"{site_limits.POLICY_FIELD}: {site_limits.policy()}",
            *([f"Retry-After: {self.retry_after}"] if self.retry_after else []),
            *([f"{site_limits.STATE_FIELD}: {self.rate_state}", *_READABLE] if self.rate_state else []),
        ]
        return "\r\n".join([*head, "", ""]).encode() + (b"" if to_head else body)


TOO_SLOW = Refusal(408, "request_timeout", "The request did not arrive whole in time.")
HEAD_TOO_LARGE = Refusal(431, "headers_too_large", "The request's headers have too many bytes, or are too many.")
NO_THREAD = Refusal(503, "unavailable", "All threads are taken; nothing was done.", retry_after=1)
AT_ONCE = Refusal(
    429,
    "too_many_at_once",
    "This site has too many requests in work at once; nothing was done.",
    retry_after=1,
    rate_state=site_limits.state_at_once(),
)
BROKEN = Refusal(500, "internal", "Something went wrong on our side; support finds it by the requestId.")
_URI_TOO_LONG = Refusal(414, "uri_too_long", "The address is too long.")
_CODING = Refusal(501, "not_implemented", "The body comes in a transfer coding that is not read here.")
_MALFORMED = Refusal(400, "malformed", "The request is not as HTTP has it.")


def throttled(seconds: int) -> Refusal:
    """Refuse a site that has sent too many requests; `Retry-After` says for how many seconds yet."""
    detail = f"This site has sent too many requests; try again in {seconds} seconds."
    return Refusal(429, "throttled", detail, retry_after=seconds, rate_state=site_limits.state(0, seconds))


def of(error: BaseException) -> Refusal | None:
    """Return what to answer to a request that gunicorn's parser refuses; None where the fault is ours."""
    match error:
        case errors.LimitRequestLine():
            return _URI_TOO_LONG
        case errors.LimitRequestHeaders():
            return HEAD_TOO_LARGE
        case errors.UnsupportedTransferCoding():
            return _CODING
        case errors.ConfigurationProblem():
            return None
        case errors.ParseException():
            return _MALFORMED
    return None
