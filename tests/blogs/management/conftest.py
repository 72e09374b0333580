"""The real `run_blog_worker` in a process of its own, against the sandbox and the test's own database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.sandbox import Sandbox
from tests.support.blogs.worker_process import Worker


@pytest.fixture
def worker(sandbox: Sandbox) -> Iterator[Callable[..., Worker]]:
    made: list[Worker] = []

    def make(**settings: str) -> Worker:
        made.append(Worker(sandbox, **settings))
        return made[-1]

    yield make
    for each in made:
        each.kill()
