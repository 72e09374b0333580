"""The way every call takes through a stand-in: remembered, let in, counted, perhaps spoiled, answered."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from aiohttp import web

from tests.sandbox import breakage
from tests.sandbox.faults import BREAKAGES, OUTCOMES, Fault
from tests.sandbox.world import Entry, World

_CREDENTIALS = {"authorization", "cookie"}


@dataclass(slots=True)
class Call:
    request: web.Request
    operation: str
    body: bytes
    fault: Fault | None = None

    def document(self) -> dict[str, Any] | None:
        """The body if it is a JSON object; what to say otherwise is the provider's business."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return None
        return document if isinstance(document, dict) else None

    def has_fault(self, kind: str) -> bool:
        return self.fault is not None and self.fault.kind == kind

    @property
    def origin(self) -> str:
        return f"{self.request.scheme}://{self.request.host}"


Handler = Callable[[Call], Awaitable[web.Response]]
Route = tuple[str, str, str, Handler]


class Refused(Exception):
    """Ends a call with the provider's own error."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


class Provider(ABC):
    name: ClassVar[str]

    def __init__(self, world: World) -> None:
        self.world = world
        self.calls: Counter[str] = Counter()
        self.rejected = 0

    @abstractmethod
    def routes(self) -> Iterable[Route]: ...

    @abstractmethod
    def let_in(self, call: Call) -> None:
        """Raises Refused without a valid credential, or over the rate limit."""

    @abstractmethod
    def refusal(self, kind: str, fault: Fault, call: Call) -> web.Response:
        """This provider's way of saying 429, 500, … when a fault asks for it."""

    @abstractmethod
    def not_found(self, call: Call) -> web.Response: ...

    @abstractmethod
    def stats(self) -> dict[str, Any]: ...

    def forget(self) -> None:
        """Back to no calls, no work done and empty windows."""
        self.calls.clear()
        self.rejected = 0

    def operation(self, named: str, body: bytes) -> str:
        return named

    def signed(self, call: Call, response: web.Response) -> web.Response:
        """The headers that every answer of this provider carries."""
        return response

    def add_to(self, router: web.UrlDispatcher) -> None:
        for method, path, operation, handler in self.routes():
            router.add_route(method, path, partial(self._serve, operation, handler))
        router.add_route("*", f"/{self.name}/{{anything:.*}}", partial(self._serve, "unknown", self._answer_not_found))

    async def _serve(self, named: str, handler: Handler, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        call = Call(request, self.operation(named, body), body)
        self.calls[call.operation] += 1
        entry = self._remember(call)
        try:
            self.let_in(call)
            call.fault = self.world.faults.take(self.name, call.operation, body)
            response = await self._answer(call, handler)
        except Refused as refused:
            response = self.signed(call, refused.response)
        entry.status = response.status
        return response

    async def _answer(self, call: Call, handler: Handler) -> web.StreamResponse:
        async def work() -> web.Response:
            return self.signed(call, await handler(call))

        fault = call.fault
        if fault is None or fault.kind in OUTCOMES:
            return await work()
        if fault.kind == "500_after_success":
            await work()
            raise Refused(self.refusal("500", fault, call))
        if fault.kind in BREAKAGES:
            return await breakage.spoil(self.world, fault, call.request, work)
        raise Refused(self.refusal(fault.kind, fault, call))

    async def _answer_not_found(self, call: Call) -> web.Response:
        return self.not_found(call)

    def _remember(self, call: Call) -> Entry:
        headers = {name: value for name, value in call.request.headers.items() if name.lower() not in _CREDENTIALS}
        entry = Entry(
            provider=self.name,
            operation=call.operation,
            method=call.request.method,
            path=call.request.path_qs,
            headers=headers,
            body=call.body,
            time=self.world.now(),
        )
        self.world.journal.add(entry)
        return entry
