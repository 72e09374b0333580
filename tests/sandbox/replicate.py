"""Replicate's predictions: created at once, finished by the clock alone: a later look shows them further on."""

from __future__ import annotations

import asyncio
import math
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from aiohttp import web

from tests.sandbox import picture
from tests.sandbox.faults import Fault
from tests.sandbox.limits import Bucket, SlidingWindow
from tests.sandbox.provider import Call, Provider, Refused, Route
from tests.sandbox.replicate_errors import ERRORS, FAILURES, LOW_CREDIT, THROTTLED, error, invalid, throttled
from tests.sandbox.world import World, iso

KEPT_SECONDS = 3600
PAGE = 100
_TERMINAL = {"succeeded", "failed", "canceled", "aborted"}
_OUTCOMES = {
    "aborted": "aborted",
    "canceled": "canceled",
    "never_ready": "processing",
    **dict.fromkeys(FAILURES, "failed"),
}
_ASPECT_RATIOS = {"1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"}
_OUTPUT_FORMATS = {"webp", "jpg", "png"}
# What a prediction that succeeded names as its output where it should be an address of Replicate's.
_ODD_OUTPUTS: dict[str, list[str]] = {
    "no_output": [],
    "foreign_output": ["https://pictures.example/out-0.jpg"],
    "not_a_picture": ["{origin}/replicate/files/out-0.mp4"],
}
_DURATION = re.compile(r"^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$")


@dataclass(slots=True)
class Prediction:
    model: str
    input: dict[str, Any]
    origin: str
    created: float
    starts: float
    ends: float
    deadline: float | None
    outcome: str = "succeeded"
    fault: str = ""
    canceled_at: float | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:26])

    def status(self, now: float) -> str:
        if self.canceled_at is not None:
            return "canceled"
        if self.deadline is not None and self.deadline <= min(now, self.ends):
            return "aborted" if self.deadline < self.starts else "canceled"
        if now < self.starts:
            return "starting"
        if self.outcome == "aborted":
            return "aborted"
        return "processing" if now < self.ends else self.outcome

    @property
    def file(self) -> str:
        return f"{self.origin}/replicate/files/{self.id}.png"

    @property
    def removed_at(self) -> float:
        return self.created + KEPT_SECONDS

    def output(self, now: float) -> list[str] | None:
        """Recorded answers show an output while the status is still `processing`: its file isn't there yet."""
        shown = {"succeeded", "processing"} if self.fault == "half_made" else {"succeeded"}
        if self.status(now) not in shown or now >= self.removed_at:
            return None
        return [url.format(origin=self.origin) for url in _ODD_OUTPUTS.get(self.fault, [self.file])]

    def as_json(self, now: float) -> dict[str, Any]:
        status = self.status(now)
        url = f"{self.origin}/replicate/v1/predictions/{self.id}"
        document: dict[str, Any] = {
            "id": self.id,
            "model": self.model,
            "version": "hidden",
            "input": {} if now >= self.removed_at else self.input,
            "logs": "",
            "output": self.output(now),
            "data_removed": now >= self.removed_at,
            "error": FAILURES.get(self.fault) if status == "failed" else None,
            "source": "api",
            "status": status,
            "created_at": iso(self.created),
            "urls": {"get": url, "cancel": f"{url}/cancel", "web": f"https://replicate.com/p/{self.id}"},
        }
        if self.deadline is not None:
            document["deadline"] = iso(self.deadline)
        if now >= self.starts and status != "aborted":
            document["started_at"] = iso(self.starts)
        if status in _TERMINAL:
            document["completed_at"] = iso(self.canceled_at or min(self.ends, self.deadline or math.inf, now))
        if status == "succeeded":
            document["metrics"] = {"predict_time": self.ends - self.starts, "total_time": self.ends - self.created}
        return document


class Replicate(Provider):
    name: ClassVar[str] = "replicate"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.creates = world.requests_window(450)
        self.reads = world.requests_window(3000)
        self.low_credit = Bucket(world.scaled(6), seconds=0)
        self.predictions: dict[str, Prediction] = {}
        self.made = 0

    def forget(self) -> None:
        super().forget()
        self.creates.clear()
        self.reads.clear()
        self.low_credit.clear()
        self.predictions.clear()
        self.made = 0

    def routes(self) -> Iterable[Route]:
        yield "POST", "/replicate/v1/models/{owner}/{name}/predictions", "create", self.create
        yield "GET", "/replicate/v1/predictions", "list", self.list
        yield "GET", "/replicate/v1/predictions/{id}", "get", self.get
        yield "POST", "/replicate/v1/predictions/{id}/cancel", "cancel", self.cancel
        yield "GET", "/replicate/files/{id}.png", "file", self.file

    def let_in(self, call: Call) -> None:
        if call.operation == "file":  # replicate.delivery asks for no token
            return
        scheme, _, token = call.request.headers.get("Authorization", "").partition(" ")
        if scheme not in ("Bearer", "Token") or not token.strip():
            raise Refused(error(*ERRORS["401"]))
        window = self._window(call)
        if not window.take():
            self.rejected += 1
            raise Refused(self._throttled(window.seconds_until_free(), low_credit=window is self.low_credit))

    def _window(self, call: Call) -> SlidingWindow:
        if call.operation != "create":
            return self.reads
        return self.low_credit if self.world.switches["replicate_credit"] == "low" else self.creates

    def _throttled(self, wait: float, *, low_credit: bool = False, form: str = "") -> web.Response:
        switches = self.world.switches
        text = LOW_CREDIT if low_credit else THROTTLED[switches["replicate_text"]]
        return throttled(wait, form or switches["replicate_retry_after"], text, self.world.now())

    async def create(self, call: Call) -> web.Response:
        prompt_input = self._checked_input(call)
        now, duration = self.world.now(), self.world.seconds("image")
        if call.fault and call.fault.kind == "half_made":
            duration = call.fault.seconds
        cancel_after = call.request.headers.get("Cancel-After")
        prediction = Prediction(
            model="{owner}/{name}".format(**call.request.match_info),
            input=prompt_input,
            origin=call.origin,
            created=now,
            starts=now + duration / 10,
            ends=math.inf if call.has_fault("never_ready") else now + duration,
            deadline=now + _seconds(cancel_after) if cancel_after else None,
            outcome=_OUTCOMES.get(call.fault.kind, "succeeded") if call.fault else "succeeded",
            fault=call.fault.kind if call.fault else "",
        )
        self._keep(prediction)
        preference = call.request.headers.get("Prefer", "")
        if preference.startswith("wait"):
            longest = float(preference.partition("=")[2] or 60)
            await asyncio.sleep(min(longest, prediction.ends - now))
            now = self.world.now()
        return web.json_response(prediction.as_json(now), status=201)

    async def list(self, call: Call) -> web.Response:
        """Newest first, a hundred a page."""
        now, query = self.world.now(), call.request.query
        after = datetime.fromisoformat(query["created_after"]).timestamp() if "created_after" in query else 0.0
        found = [made for made in reversed(self.predictions.values()) if made.created >= after]
        begin = int(query.get("cursor", 0))
        page, rest = found[begin : begin + PAGE], found[begin + PAGE :]
        following = f"{call.origin}/replicate/v1/predictions?cursor={begin + PAGE}" if rest else None
        return web.json_response({"next": following, "previous": None, "results": [made.as_json(now) for made in page]})

    async def get(self, call: Call) -> web.Response:
        return web.json_response(self._prediction(call).as_json(self.world.now()))

    async def cancel(self, call: Call) -> web.Response:
        prediction = self._prediction(call)
        now = self.world.now()
        if prediction.status(now) not in _TERMINAL:
            prediction.canceled_at = now
        return web.json_response(prediction.as_json(now))

    async def file(self, call: Call) -> web.Response:
        prediction = self._prediction(call)
        if prediction.status(now := self.world.now()) != "succeeded" or now >= prediction.removed_at:
            raise Refused(self.not_found(call))
        return web.Response(body=picture.gradient(prediction.id), content_type="image/png")

    def _checked_input(self, call: Call) -> dict[str, Any]:
        document = call.document()
        prompt_input = document.get("input") if document else None
        if not isinstance(prompt_input, dict):
            raise Refused(invalid("input", "input is required"))
        if not isinstance(prompt_input.get("prompt"), str) or not prompt_input["prompt"]:
            raise Refused(invalid("input.prompt", "prompt is required"))
        for name, allowed in (("aspect_ratio", _ASPECT_RATIOS), ("output_format", _OUTPUT_FORMATS)):
            if prompt_input.get(name, next(iter(allowed))) not in allowed:
                raise Refused(invalid(f"input.{name}", f"{name} must be one of the following: {sorted(allowed)}"))
        return prompt_input

    def _keep(self, prediction: Prediction) -> None:
        """Like the real one, removes input, output and files after an hour; later it forgets the prediction altogether."""
        self.made += 1
        self.predictions[prediction.id] = prediction
        self.world.files[prediction.file] = (prediction.ends, prediction.removed_at)
        while (oldest := next(iter(self.predictions.values()))).created < prediction.created - 2 * KEPT_SECONDS:
            del self.predictions[oldest.id]

    def _prediction(self, call: Call) -> Prediction:
        prediction = self.predictions.get(call.request.match_info["id"])
        if prediction is None:
            raise Refused(self.not_found(call))
        return prediction

    def refusal(self, kind: str, fault: Fault, call: Call) -> web.Response:
        if kind in ("429", "429_no_retry_after"):
            return self._throttled(fault.seconds, form="" if kind == "429" else "none")
        return error(*ERRORS[kind])

    def not_found(self, call: Call) -> web.Response:
        return error(*ERRORS["not_found"])

    def signed(self, call: Call, response: web.Response) -> web.Response:
        shown = self.world.switches["replicate_limits"] == "shown"
        if shown and call.operation != "file" and response.status != 401:
            window = self._window(call)
            window.forget_old()
            remaining = self.low_credit.level if window is self.low_credit else window.remaining
            response.headers["ratelimit-remaining"] = str(remaining)
            response.headers["ratelimit-reset"] = str(math.ceil(window.seconds_until_free()))
        return response

    def stats(self) -> dict[str, Any]:
        return {
            "requests": self.calls.total(),
            "byOperation": dict(self.calls),
            "rejected": self.rejected,
            "maxInWindow": {"requests": self.creates.highest, "reads": self.reads.highest},
            "predictions": self.made,
        }


def _seconds(duration: str) -> float:
    match = _DURATION.match(duration)
    if match is None or not any(match.groups()):
        raise Refused(error(400, "Bad request", f"Invalid Cancel-After header: {duration}"))
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return max(5, hours * 3600 + minutes * 60 + seconds)
