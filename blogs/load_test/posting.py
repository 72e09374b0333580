"""The requests of a load test: sent by a bounded number of threads, as the shops' pages would send them."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

import requests

from blogs.load_test.asking import Service, Unanswered, ask
from wix.identity.signed_instance import sign_instance
from wix.models import Site

_TOPICS = ("choosing scarves", "caring for baskets", "candles for beginners", "a gift of mittens", "storing wool")
NO_ANSWER = "none"


class Answer(NamedTuple):
    status: str
    seconds: float
    blog: int | None
    said: str
    """What a refusal says."""


@dataclass(slots=True)
class Answers:
    """What was answered, and how fast."""

    seconds: float = 0
    blogs: list[int] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    _seconds_by_status: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, answer: Answer) -> None:
        self._seconds_by_status[answer.status].append(answer.seconds)
        if answer.blog is None:
            self.refusals[f"{answer.status}: {answer.said}"] += 1
        else:
            self.blogs.append(answer.blog)

    @property
    def statuses(self) -> dict[str, int]:
        return {status: len(took) for status, took in sorted(self._seconds_by_status.items())}

    def milliseconds(self, status: str = "") -> dict[str, float]:
        """Percentiles by nearest rank; of all statuses where none is named."""
        took = sorted(
            each for name, all_of in self._seconds_by_status.items() if status in ("", name) for each in all_of
        )
        ranks = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
        return {name: round(1_000 * took[math.ceil(rank * len(took)) - 1], 1) for name, rank in ranks.items() if took}

    def table(self) -> Iterator[str]:
        yield f"{'status':8}{'requests':>10}{'p50 ms':>10}{'p90 ms':>10}{'p99 ms':>10}{'max ms':>10}"
        rows = [(status, number, status) for status, number in self.statuses.items()]
        for label, number, status in [*rows, ("all", sum(self.statuses.values()), "")]:
            yield f"{label:8}{number:>10,}" + "".join(f"{ms:>10,.1f}" for ms in self.milliseconds(status).values())


def post(service: Service, sites: Sequence[Site], number: int, *, threads: int) -> Answers:
    """Ask for that many blogs, of one shop after the other, and wait for every answer."""
    answers, began, load = Answers(), time.monotonic(), _Load(service, sites)
    with ThreadPoolExecutor(threads, "load-test") as pool:
        try:
            for answer in pool.map(load.request, range(number)):
                answers.add(answer)
        finally:
            # After Ctrl-C: what has not been sent is not sent.
            pool.shutdown(cancel_futures=True)
    answers.seconds = time.monotonic() - began
    return answers


class _Load:
    def __init__(self, service: Service, sites: Sequence[Site]) -> None:
        self._service, self._url, self._sites = service, f"{service.url}/api/blog-generation", sites
        self._run = uuid4().hex[:8]
        self._of_thread = threading.local()

    def request(self, number: int) -> Answer:
        if not hasattr(self._of_thread, "session"):
            self._of_thread.session = self._service.session()
        site, topic = self._sites[number % len(self._sites)], _TOPICS[number // len(self._sites) % len(_TOPICS)]
        body = {"sourceType": "keyword", "sourceId": f"{topic} {number}", "length": "medium"}
        # Signed for each request, so that none expires in a long run.
        headers = {
            "Authorization": f"Bearer {sign_instance(site.instance_id)}",
            "Idempotency-Key": f"load-test-{self._run}-{number}",
        }
        began = time.monotonic()
        try:
            answer = ask(self._of_thread.session, "POST", self._url, json=body, headers=headers)
        except Unanswered as error:
            return Answer(NO_ANSWER, time.monotonic() - began, None, str(error).rpartition(": ")[2])
        seconds = time.monotonic() - began
        found = _fields(answer)
        if answer.status_code == 201 and isinstance(found.get("id"), int):
            return Answer("201", seconds, found["id"], "")
        return Answer(str(answer.status_code), seconds, None, str(found.get("code", "")))


def _fields(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
