"""Replicate in two steps: `order` a picture, then `collect` it. Between them the article is written, and no thread waits.

The official SDK makes the create. Reads go through an HTTP client of ours into a lenient shape: the SDK's model of a prediction
refuses the status `aborted`, which the API does send, and the SDK would resend refused reads by itself.

As a rule Wix fetches the picture by its address. Only where Wix can't, we do (`download`). Our token goes to no file's host.
"""

from __future__ import annotations

import functools
import time
from contextvars import ContextVar
from typing import Any

import httpx
import pydantic.v1
import replicate.client
import replicate.exceptions
from django.conf import settings

from blogs.providers import replicate_errors, replicate_limits, replicate_orders
from blogs.providers.replicate_files import Download, Picture, mime_type_of, picture_named
from workers import outbound
from workers.errors import PermanentError, ProviderFailure, TransientError, WorkError
from workers.limits import Limit
from workers.limits.provider_calls import Usage
from workers.outbound import Call
from workers.outbound.bodies import MOST_BYTES_OF_TEXT
from workers.outbound.transports import HttpxTransport
from workers.texts import parsed_json, storable_text

# As long as a blog waits for its picture. A run that has not started by then is not charged.
_CANCEL_AFTER = "10m"
# No answer can be expected in less, and a read that has no chance would count as a failure of Replicate.
_LEAST_SECONDS = 1.0
_FAILED = {"failed", "canceled", "aborted"}

_READS = Limit("replicate_reads")


def limit() -> Limit:
    return Limit("replicate")


def order(prompt: str, *, seconds: float) -> str:
    """Start a picture, 16:9, and return the prediction's id. Save it: a repeated order is paid again."""

    def create(call: Call) -> str:
        call.usage = Usage("image:order", model=settings.REPLICATE_MODEL)
        _answer.set(None)
        try:
            prediction = _client().models.predictions.create(
                settings.REPLICATE_MODEL,
                input={"prompt": prompt, "aspect_ratio": "16:9", "output_format": "jpg", "num_outputs": 1},
            )
        finally:
            answer = _answer.get()
            call.named = replicate_limits.named(answer) if answer is not None else None
        call.request_id, call.usage.images = storable_text(str(prediction.id)), 1
        if not replicate_orders.is_id(call.request_id):
            raise ProviderFailure("provider_unavailable", "Replicate took an order and named no prediction.")
        return call.request_id

    return outbound.call(REPLICATE, "create", create, limit=limit(), seconds=seconds)


def ordered_before(prompt: str, *, within_seconds: float, seconds: float) -> str | None:
    """Return the id of a picture that was ordered with this very prompt within the last `within_seconds` and has not failed."""

    def read(query: dict[str, str]) -> Any:
        return outbound.call(REPLICATE, "list", functools.partial(_read_list, query), limit=_READS, seconds=seconds)

    return replicate_orders.find(prompt, within_seconds=within_seconds, read=read)


def collect(prediction_id: str, *, seconds: float) -> Picture:
    """Wait for an ordered picture.

    Raises PermanentError `image_failed` if there will be none, its subclass Interrupted if another order may bring one, and
    TransientError when time is up.
    """
    ends_at = time.monotonic() + seconds
    while True:
        left = ends_at - time.monotonic()
        if left <= _LEAST_SECONDS:
            raise TransientError("image_not_ready", "Replicate did not finish the picture in time.")
        found = outbound.call(REPLICATE, "get", functools.partial(_read, prediction_id), limit=_READS, seconds=left)
        status, output = str(found.get("status")), found.get("output")
        if status in _FAILED or found.get("data_removed"):
            raise replicate_errors.of_failure(status, found.get("error"))
        if status == "succeeded":
            return picture_named(output)
        time.sleep(min(settings.REPLICATE_POLL_SECONDS, max(0.0, ends_at - time.monotonic())))


def download(picture: Picture, *, at_most: int, seconds: float) -> Download:
    """Fetch a picture's file. Raises PermanentError `image_failed` if it is gone, larger than `at_most` bytes, or no picture."""

    def get(call: Call) -> bytes:
        content = bytearray()
        with _fetcher().stream("GET", picture.url) as answer:
            if 300 <= answer.status_code < 500 and answer.status_code != 429:
                # A file's host knows nothing of our account, so no answer of it is an AccountRefused.
                raise PermanentError("image_failed", f"The picture can't be fetched ({answer.status_code}).")
            if answer.is_error:
                answer.read()  # what it says is read after the stream is closed
                answer.raise_for_status()
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > at_most:
                    raise PermanentError("image_failed", f"The picture has more than {at_most:,} bytes.")
        return bytes(content)

    content = outbound.call(REPLICATE, "file", get, limit=_READS, seconds=seconds)
    return Download(content, mime_type_of(content))


def _read(prediction_id: str, call: Call) -> dict[str, Any]:
    call.request_id = prediction_id
    answer = _reader().get(f"/v1/predictions/{prediction_id}")
    call.named = replicate_limits.named(answer)
    answer.raise_for_status()
    body = parsed_json(answer.content)
    if not isinstance(body, dict):
        raise ProviderFailure("provider_unavailable", "Replicate sent an answer that is not an object.")
    if (seconds := _predict_time(body)) is not None:
        call.usage = Usage("image:made", seconds=seconds)
    return body


def _read_list(query: dict[str, str], call: Call) -> Any:
    answer = _reader().get("/v1/predictions", params=query)
    call.named = replicate_limits.named(answer)
    answer.raise_for_status()
    return parsed_json(answer.content)


def _predict_time(prediction: dict[str, Any]) -> float | None:
    """Return the seconds that are paid for, once the prediction has ended."""
    metrics = prediction.get("metrics")
    seconds = metrics.get("predict_time") if isinstance(metrics, dict) else None
    ended = str(prediction.get("status")) in {"succeeded", *_FAILED}
    return float(seconds) if ended and isinstance(seconds, int | float) and 0 <= seconds < 86_400 else None


# A hook keeps the answer before the SDK sees it: the SDK's errors keep neither the headers nor most of the body.
_answer: ContextVar[httpx.Response | None] = ContextVar("replicate_answer", default=None)


def _remember(answer: httpx.Response) -> None:
    if answer.is_redirect:  # the SDK would take it for a prediction
        raise replicate_errors.of_look(answer)
    answer.read()
    _answer.set(answer)


@functools.cache
def _client() -> replicate.client.Client:
    """Make the SDK's client, and its HTTP client under the cache's lock: the SDK would make that on first use without a lock."""
    client = replicate.client.Client(
        api_token=settings.REPLICATE_API_TOKEN,
        base_url=settings.REPLICATE_BASE_URL,
        transport=HttpxTransport(most_bytes=MOST_BYTES_OF_TEXT),
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
        transport=HttpxTransport(),  # a page of predictions has their inputs and logs
        trust_env=False,
    )


@functools.cache
def _fetcher() -> httpx.Client:
    """Make a client without our token that follows no redirect: the address is one of Replicate's own."""
    return httpx.Client(transport=HttpxTransport(), trust_env=False)


def _explain(error: Exception) -> WorkError:
    if isinstance(error, httpx.TimeoutException):
        return ProviderFailure("timeout", "Replicate did not answer in time.")
    if isinstance(error, httpx.HTTPStatusError):
        return replicate_errors.of_look(error.response)
    answer = _answer.get()
    if answer is not None and isinstance(error, replicate.exceptions.ReplicateError):
        return replicate_errors.of_order(answer)
    return ProviderFailure("provider_unavailable", "The connection to Replicate broke, or its answer made no sense.")


REPLICATE = outbound.Provider(
    "replicate",
    raises=(
        httpx.HTTPError,
        httpx.InvalidURL,
        replicate.exceptions.ReplicateException,
        pydantic.v1.ValidationError,
        ValueError,
        AttributeError,
        TypeError,  # of JSON that is no object the SDK makes its prediction all the same
        RecursionError,
    ),
    explain=_explain,
)
