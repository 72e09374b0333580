"""The project's worker, LiteLLM's proxy, and OpenAI's stand-in behind that."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.worker_process import MakeWorker, Worker
from tests.support.litellm import KEY, MODEL, Gateway, NotInstalled, program
from wix.models import Site

_SITES = 4


@pytest.fixture(scope="session")
def _running_gateway(_running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    try:
        program()
    except NotInstalled as reason:
        pytest.skip(str(reason))
    gateway = Gateway(tmp_path_factory.mktemp("litellm"), _running_sandbox.openai_url)
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture
def worker(sandbox: Sandbox, _running_gateway: Gateway) -> Iterator[MakeWorker]:
    made: list[Worker] = []

    def make(**settings: str) -> Worker:
        ours = {"OPENAI_BASE_URL": f"{_running_gateway.url}/v1", "OPENAI_MODEL": MODEL, "OPENAI_API_KEY": KEY}
        made.append(Worker(sandbox, **{**ours, "BLOG_WORKER_THREADS": "8", **settings}))
        return made[-1]

    yield make
    for each in made:
        each.kill()


@pytest.fixture
def submit(sandbox: Sandbox, shop: Site) -> Callable[[int], None]:
    """Submit this number of blogs, of several shops in turn."""
    sites = [shop, *(factories.site() for _ in range(_SITES - 1))]
    for other in sites[1:]:
        sandbox.add_shop(str(other.instance_id), other.name)

    def blogs(count: int) -> None:
        for number in range(count):
            factories.pending_generation(sites[number % _SITES], source_id=f"topic {number}")

    return blogs
