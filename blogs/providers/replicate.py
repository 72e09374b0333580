"""Replicate in two steps: order a picture, then collect it. Between them the article is written, and no thread waits.

The official SDK makes the create; reading goes through its HTTP client into a lenient shape of ours, since the SDK's model of a
prediction refuses the status `aborted`, which the API does send, and since it would resend refused reads by itself.

The picture itself comes here only where Wix could not fetch it (`download`): as a rule it does so by the address, which therefore
must be one of Replicate's and name a kind of picture that Wix takes. Our token goes to no file's host.
"""

from __future__ import annotations

import functools
import time
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import httpx
import pydantic.v1
import replicate.client
import replicate.exceptions
from django.conf import settings

from blogs.providers import replicate_limits
from workers import outbound
from workers.errors import (
    AccountRefused,
    PermanentError,
    ProviderFailure,
    RateLimited,
    TooFast,
    TransientError,
    WorkError,
)
from workers.limits import Limit
from workers.limits.provider_calls import Usage
from workers.outbound import Call
from workers.outbound.transports import HttpxTransport

# As long as a blog waits for its picture; a run that was not started by then is not charged.
_CANCEL_AFTER = "10m"
# In less no answer can be expected, and a look that has no chance would be counted against Replicate.
_LEAST_SECONDS = 1.0
_FAILED = {"failed", "canceled", "aborted"}
_MIME_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}

_STARTS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"RIFF": "image/webp"}


@dataclass(frozen=True, slots=True)
class Picture:
    url: str
    mime_type: str


_READS = Limit("replicate_reads")


def limit() -> Limit:
    return Limit("replicate")


def order(prompt: str, *, seconds: float) -> str:
    """Start a picture, 16:9; the prediction's id. A repeated order is paid again: save the id."""

    def create(call: Call) -> str:
        call.usage = Usage("image:order")
        _answer.set(None)
        try:
            prediction = _client().models.predictions.create(
                settings.REPLICATE_MODEL,
                input={"prompt": prompt, "aspect_ratio": "16:9", "output_format": "jpg", "num_outputs": 1},
            )
        finally:
            answer = _answer.get()
            call.named = replicate_limits.named(answer) if answer is not None else None
        call.request_id, call.usage.images = str(prediction.id), 1
        return prediction.id

    return outbound.call(REPLICATE, "create", create, limit=limit(), seconds=seconds)


def collect(prediction_id: str, *, seconds: float) -> Picture:
    """Wait for an ordered picture. PermanentError `image_failed` if there will be none, TransientError when time is up."""
    ends_at = time.monotonic() + seconds
    while True:
        left = ends_at - time.monotonic()
        if left <= _LEAST_SECONDS:
            raise TransientError("image_not_ready", "Replicate did not finish the picture in time.")
        found = outbound.call(REPLICATE, "get", functools.partial(_read, prediction_id), limit=_READS, seconds=left)
        status, output = found.get("status"), found.get("output")
        if status in _FAILED or found.get("data_removed"):
            raise PermanentError("image_failed", f"Replicate could not make the picture ({status}).")
        if status == "succeeded":
            return _picture(output)
        time.sleep(min(settings.REPLICATE_POLL_SECONDS, max(0.0, ends_at - time.monotonic())))


@dataclass(frozen=True, slots=True)
class Download:
    content: bytes
    mime_type: str
    """By its first bytes; a file's name and its host's headers may say something else."""


def download(picture: Picture, *, at_most: int, seconds: float) -> Download:
    """PermanentError `image_failed` for one that is gone, larger than `at_most` bytes, or no picture at all."""

    def get(call: Call) -> bytes:
        content = bytearray()
        with _fetcher().stream("GET", picture.url) as answer:
            if 400 <= answer.status_code < 500 and answer.status_code != 429:
                # A files' host knows nothing of our account, whatever it says.
                raise PermanentError("image_failed", f"The picture can't be fetched ({answer.status_code}).")
            answer.raise_for_status()
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > at_most:
                    raise PermanentError("image_failed", f"The picture has more than {at_most:,} bytes.")
        return bytes(content)

    content = outbound.call(REPLICATE, "file", get, limit=_READS, seconds=seconds)
    mime_type = next((kind for start, kind in _STARTS.items() if content.startswith(start)), None)
    if mime_type is None:
        raise PermanentError("image_failed", "Replicate's file is not a picture that Wix takes.")
    return Download(content, mime_type)


def _read(prediction_id: str, call: Call) -> dict[str, Any]:
    call.request_id = prediction_id
    answer = _reader().get(f"/v1/predictions/{prediction_id}")
    call.named = replicate_limits.named(answer)
    answer.raise_for_status()
    body = answer.json()
    if not isinstance(body, dict):
        raise ProviderFailure("provider_unavailable", "Replicate sent an answer that is not an object.")
    if (seconds := _predict_time(body)) is not None:
        call.usage = Usage("image:made", seconds=seconds)
    return body


def _predict_time(prediction: dict[str, Any]) -> float | None:
    """What is paid for, once it has ended."""
    metrics = prediction.get("metrics")
    seconds = metrics.get("predict_time") if isinstance(metrics, dict) else None
    ended = prediction.get("status") in {"succeeded", *_FAILED}
    return float(seconds) if ended and isinstance(seconds, int | float) and 0 <= seconds < 86_400 else None


def _picture(output: Any) -> Picture:
    """A list of addresses or one address, by model; `succeeded` without any is a failure all the same."""
    named = output[0] if isinstance(output, list) and output else output
    try:
        url = httpx.URL(named if isinstance(named, str) else "")
    except httpx.InvalidURL:
        url = httpx.URL("")
    if not _is_replicates(url):
        raise PermanentError("image_failed", "Replicate named no picture, or one on a host that is not its own.")
    mime_type = _MIME_TYPES.get(PurePosixPath(url.path).suffix.lower())
    if mime_type is None:
        raise PermanentError("image_failed", "Replicate made a file that is not a picture.")
    return Picture(str(url), mime_type)


def _is_replicates(url: httpx.URL) -> bool:
    hosts = settings.REPLICATE_FILE_HOSTS
    is_its_host = any(url.host == name or url.host.endswith(f".{name}") for name in hosts)
    return is_its_host and url.scheme == httpx.URL(settings.REPLICATE_BASE_URL).scheme


# The SDK's errors keep neither headers nor what else the body says, so a hook sees the answer before it does.
_answer: ContextVar[httpx.Response | None] = ContextVar("replicate_answer", default=None)


def _remember(answer: httpx.Response) -> None:
    answer.read()
    _answer.set(answer)


@functools.cache
def _client() -> replicate.client.Client:
    """The SDK builds its HTTP client on first use without a lock: it is built here, under the cache's."""
    client = replicate.client.Client(
        api_token=settings.REPLICATE_API_TOKEN,
        base_url=settings.REPLICATE_BASE_URL,
        transport=HttpxTransport(),
        headers={"Cancel-After": _CANCEL_AFTER},
        event_hooks={"response": [_remember]},
        trust_env=False,
    )
    assert client._client
    return client


@functools.cache
def _reader() -> httpx.Client:
    return httpx.Client(
        base_url=settings.REPLICATE_BASE_URL,
        headers={"Authorization": f"Bearer {settings.REPLICATE_API_TOKEN}"},
        transport=HttpxTransport(),
        trust_env=False,
    )


@functools.cache
def _fetcher() -> httpx.Client:
    """Without our token, and along no redirect: the address is one of Replicate's own."""
    return httpx.Client(transport=HttpxTransport(), trust_env=False)


def _explain(error: Exception) -> WorkError:
    if isinstance(error, httpx.TimeoutException):
        return ProviderFailure("timeout", "Replicate did not answer in time.")
    if isinstance(error, replicate.exceptions.ReplicateError):
        return _by_status(error.status or 0, _answer.get())
    if isinstance(error, httpx.HTTPStatusError):
        return _by_status(error.response.status_code, error.response)
    return ProviderFailure("provider_unavailable", "The connection to Replicate broke, or its answer made no sense.")


def _by_status(status: int, answer: httpx.Response | None) -> WorkError:
    if status == 429:
        wait = replicate_limits.wait_of(answer)
        return RateLimited("rate_limited", "Replicate asks us to wait.", retry_in=wait, too_fast=TooFast.RATE)
    if status in (401, 402, 403):
        message = f"Replicate refuses our account ({status}); an operator must look."
        return AccountRefused("provider_quota", message, for_all=status != 403)
    if status >= 500 or status == 0:
        return ProviderFailure("provider_unavailable", f"Replicate answered {status}.")
    return PermanentError("image_failed", f"Replicate refused the picture ({status}).")


REPLICATE = outbound.Provider(
    "replicate",
    raises=(
        httpx.HTTPError,
        httpx.InvalidURL,
        replicate.exceptions.ReplicateException,
        pydantic.v1.ValidationError,
        ValueError,
        AttributeError,
    ),
    explain=_explain,
)
