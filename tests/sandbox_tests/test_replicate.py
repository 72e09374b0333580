from __future__ import annotations

import struct
import time
import zlib
from typing import Any

import httpx
import pytest
import requests
from replicate.client import Client
from replicate.exceptions import ReplicateError

from tests.sandbox import Sandbox
from tests.sandbox.replicate import Prediction
from tests.support.sandbox_calls import WixSite, seconds_until

MODEL = "black-forest-labs/flux-schnell"
INPUT = {"prompt": "linen in soft light", "aspect_ratio": "16:9", "output_format": "png"}


def settled(client: Client, prediction_id: str, *, deadline_seconds: float = 5) -> Any:
    """Polls as the product does; the sandbox's own clock decides when a prediction is over."""
    until = time.monotonic() + deadline_seconds
    while (prediction := client.predictions.get(prediction_id)).status in ("starting", "processing"):
        assert time.monotonic() < until
    return prediction


def test_a_prediction_starts_and_time_alone_finishes_it(replicate_client: Client) -> None:
    created = replicate_client.models.predictions.create(MODEL, input=INPUT)
    finished = settled(replicate_client, created.id)

    assert created.status == "starting"
    assert created.output is None
    assert created.version == "hidden"
    assert finished.status == "succeeded"
    assert finished.model == MODEL
    assert finished.started_at
    assert finished.completed_at
    assert len(finished.output) == 1


def test_predictions_are_listed_newest_first_a_hundred_a_page(replicate_client: Client) -> None:
    made = [replicate_client.models.predictions.create(MODEL, input=INPUT).id for _ in range(102)]

    first = replicate_client.predictions.list()
    assert first.next
    second = replicate_client.predictions.list(cursor=first.next)

    assert [found.id for page in (first, second) for found in page.results] == made[::-1]
    assert second.next is None
    assert first.results[0].input == INPUT


def test_the_finished_file_is_a_png_in_16_to_9(replicate_client: Client) -> None:
    created = replicate_client.models.predictions.create(MODEL, input=INPUT)
    [url] = settled(replicate_client, created.id).output

    picture = requests.get(url, timeout=5)

    assert picture.headers["Content-Type"] == "image/png"
    width, height = struct.unpack(">II", picture.content[16:24])
    assert abs(width / height - 16 / 9) < 0.05
    assert width >= 1200
    begin = picture.content.index(b"IDAT")
    (length,) = struct.unpack(">I", picture.content[begin - 4 : begin])
    assert len(zlib.decompress(picture.content[begin + 4 : begin + 4 + length])) == height * (1 + 3 * width)


def test_waiting_for_a_prediction_answers_when_it_is_done(replicate_client: Client) -> None:
    prediction = replicate_client.models.predictions.create(MODEL, input=INPUT, wait=10)

    assert prediction.status == "succeeded"


@pytest.mark.parametrize(("kind", "status"), [("prediction_failed", "failed"), ("canceled", "canceled")])
def test_a_prediction_can_end_badly(sandbox: Sandbox, replicate_client: Client, kind: str, status: str) -> None:
    sandbox.fault("replicate", kind)

    created = replicate_client.models.predictions.create(MODEL, input=INPUT)

    finished = settled(replicate_client, created.id)
    assert finished.status == status
    assert finished.output is None
    assert bool(finished.error) == (status == "failed")


def test_a_half_made_output_is_an_address_without_a_file(sandbox: Sandbox, replicate_client: Client) -> None:
    sandbox.fault("replicate", "half_made", seconds=600)
    created = replicate_client.models.predictions.create(MODEL, input=INPUT)
    sandbox.pass_time(300)

    half_made = replicate_client.predictions.get(created.id)

    assert half_made.status == "processing"
    assert half_made.output
    assert requests.get(half_made.output[0], timeout=5).status_code == 404
    sandbox.pass_time(301)
    assert replicate_client.predictions.get(created.id).status == "succeeded"
    assert requests.get(half_made.output[0], timeout=5).status_code == 200


def test_after_an_hour_the_output_and_its_file_are_removed(sandbox: Sandbox, replicate_client: Client) -> None:
    created = replicate_client.models.predictions.create(MODEL, input=INPUT)
    [url] = settled(replicate_client, created.id).output

    sandbox.pass_time(3600)

    removed = requests.get(
        f"{sandbox.replicate_url}/v1/predictions/{created.id}", headers={"Authorization": "Bearer r8"}, timeout=5
    ).json()
    assert (removed["status"], removed["output"], removed["data_removed"]) == ("succeeded", None, True)
    assert requests.get(url, timeout=5).status_code == 404


def test_wix_cannot_import_a_file_that_is_gone(sandbox: Sandbox, replicate_client: Client, wix_site: WixSite) -> None:
    created = replicate_client.models.predictions.create(MODEL, input=INPUT)
    [url] = settled(replicate_client, created.id).output
    body = {"url": url, "mimeType": "image/png"}

    in_time = wix_site.call("POST", "/site-media/v1/files/import", body).json()["file"]["id"]
    sandbox.pass_time(3600)
    too_late = wix_site.call("POST", "/site-media/v1/files/import", body).json()["file"]["id"]

    assert wix_site.settled(in_time)["operationStatus"] == "READY"
    assert wix_site.settled(too_late)["operationStatus"] == "FAILED"


def test_an_aborted_prediction_is_more_than_the_sdk_can_read(sandbox: Sandbox, replicate_client: Client) -> None:
    sandbox.fault("replicate", "aborted")
    created = replicate_client.models.predictions.create(MODEL, input=INPUT)

    with pytest.raises(ValueError, match="status"):  # pydantic's: the SDK's list of statuses lacks this one
        settled(replicate_client, created.id)


def test_one_that_is_never_ready_can_be_canceled(sandbox: Sandbox, replicate_client: Client) -> None:
    sandbox.fault("replicate", "never_ready")
    created = replicate_client.models.predictions.create(MODEL, input=INPUT)

    canceled = replicate_client.predictions.cancel(created.id)

    assert canceled.status == "canceled"
    assert replicate_client.predictions.get(created.id).status == "canceled"


@pytest.mark.parametrize(
    ("kind", "status"),
    [("429", 429), ("401", 401), ("403", 403), ("insufficient_quota", 402), ("500", 500), ("503", 503)],
)
def test_a_refused_create_is_a_replicate_error(
    sandbox: Sandbox, replicate_client: Client, kind: str, status: int
) -> None:
    sandbox.fault("replicate", kind, "create")

    with pytest.raises(ReplicateError) as caught:
        replicate_client.models.predictions.create(MODEL, input=INPUT)

    assert caught.value.status == status
    assert sandbox.stats()["replicate"]["predictions"] == 0


def test_a_throttled_create_says_when_to_come_back(sandbox: Sandbox) -> None:
    sandbox.fault("replicate", "429", seconds=5)
    headers = {"Authorization": "Bearer r8"}

    answer = requests.post(
        f"{sandbox.replicate_url}/v1/models/{MODEL}/predictions", json={"input": INPUT}, headers=headers, timeout=5
    )

    assert answer.json() == {
        "detail": "Request was throttled. Your rate limit resets in ~5s.",
        "status": 429,
        "retry_after": 5,
    }
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["ratelimit-remaining"] == "449"


@pytest.mark.parametrize("kind", ["reset", "truncated", "timeout"])
def test_a_broken_connection_is_a_transport_error(sandbox: Sandbox, replicate_client: Client, kind: str) -> None:
    sandbox.fault("replicate", kind, "create", seconds=0.05)

    with pytest.raises(httpx.TransportError):
        replicate_client.models.predictions.create(MODEL, input=INPUT)


def test_an_ambiguous_create_has_made_its_prediction(sandbox: Sandbox, replicate_client: Client) -> None:
    sandbox.fault("replicate", "after_success", "create", seconds=0.01)

    with pytest.raises(httpx.TransportError):
        replicate_client.models.predictions.create(MODEL, input=INPUT)

    assert sandbox.stats()["replicate"]["predictions"] == 1


def test_an_unknown_prediction_is_not_found(replicate_client: Client) -> None:
    with pytest.raises(ReplicateError) as caught:
        replicate_client.predictions.get("nonesuch")

    assert caught.value.status == 404


def test_without_a_token_nothing_is_let_in(sandbox: Sandbox) -> None:
    answer = requests.get(f"{sandbox.replicate_url}/v1/predictions/any", timeout=5)

    assert answer.status_code == 401
    assert answer.json()["title"] == "Unauthenticated"


@pytest.mark.parametrize("prompt_input", [{}, {"prompt": ""}, {"prompt": "x", "aspect_ratio": "7:5"}])
def test_an_input_the_model_does_not_know_is_invalid(replicate_client: Client, prompt_input: dict[str, Any]) -> None:
    with pytest.raises(ReplicateError) as caught:
        replicate_client.models.predictions.create(MODEL, input=prompt_input)

    assert caught.value.status == 422


def test_a_deadline_aborts_before_the_start_and_cancels_after_it() -> None:
    late = Prediction(MODEL, INPUT, "http://sandbox", created=0, starts=10, ends=20, deadline=5)
    early = Prediction(MODEL, INPUT, "http://sandbox", created=0, starts=2, ends=20, deadline=5)
    in_time = Prediction(MODEL, INPUT, "http://sandbox", created=0, starts=1, ends=4, deadline=5)

    assert [late.status(now) for now in (1, 6, 30)] == ["starting", "aborted", "aborted"]
    assert [early.status(now) for now in (1, 3, 6)] == ["starting", "processing", "canceled"]
    assert in_time.status(30) == "succeeded"


def create(sandbox: Sandbox) -> requests.Response:
    url, headers = f"{sandbox.replicate_url}/v1/models/{MODEL}/predictions", {"Authorization": "Bearer r8"}
    return requests.post(url, json={"input": INPUT}, headers=headers, timeout=5)


@pytest.mark.parametrize(
    ("form", "header", "in_body"),
    [("both", "5", True), ("header", "5", False), ("body", None, True), ("none", None, False)],
)
def test_a_throttled_create_tells_the_seconds_where_the_switch_says(
    sandbox: Sandbox, form: str, header: str | None, in_body: bool
) -> None:
    sandbox.switch(replicate_retry_after=form, replicate_text="expected", replicate_limits="hidden")
    sandbox.fault("replicate", "429", seconds=5)

    answer = create(sandbox)

    assert answer.json()["detail"] == "Request was throttled. Expected available in 5 seconds."
    assert answer.headers.get("Retry-After") == header
    assert ("retry_after" in answer.json()) is in_body
    assert "ratelimit-remaining" not in answer.headers


def test_a_throttled_create_may_name_a_date(sandbox: Sandbox) -> None:
    sandbox.switch(replicate_retry_after="date")
    sandbox.fault("replicate", "429", seconds=30)

    answer = create(sandbox)

    assert 25 <= seconds_until(answer.headers["Retry-After"]) <= 31


def test_low_credit_allows_six_creates_a_minute_and_never_two_at_once(sandbox: Sandbox) -> None:
    sandbox.switch(replicate_credit="low")

    first, second = create(sandbox), create(sandbox)

    assert (first.status_code, first.headers["ratelimit-remaining"]) == (201, "0")
    assert second.status_code == 429
    assert "a burst of 1 requests" in second.json()["detail"]
    assert second.json()["retry_after"] == 10
    sandbox.reset()
    assert create(sandbox).status_code == 201
    assert create(sandbox).status_code == 201
