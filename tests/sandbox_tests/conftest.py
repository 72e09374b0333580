from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from replicate.client import Client

from tests.sandbox import Sandbox
from tests.support.sandbox_calls import INSTANCE, PRODUCTS, WixSite


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox(speed=1000) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.reset()
    running_sandbox.add_shop(INSTANCE, "Nordlicht", products=PRODUCTS)
    return running_sandbox


@pytest.fixture
def openai_client(sandbox: Sandbox) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="sk-test", base_url=sandbox.openai_url, max_retries=0, timeout=2) as client:
        yield client


@pytest.fixture
def replicate_client(sandbox: Sandbox) -> Iterator[Client]:
    client = Client(api_token="r8-test", base_url=sandbox.replicate_url)
    yield client
    client._client.close()  # the SDK has no public way to close its connections


@pytest.fixture
def wix_site(sandbox: Sandbox) -> WixSite:
    return WixSite(sandbox)


@pytest.fixture
def order() -> dict[str, Any]:
    """What the product puts between <data> and </data>."""
    return {
        "source": {"type": "keyword", "text": "linen bedding"},
        "language": "en",
        "tone": "warm",
        "length": "medium",
        "sections": 5,
        "site": {"name": "Nordlicht"},
        "products": [{"id": p["id"], "name": p["name"], "text": p["description"]} for p in PRODUCTS[:2]],
    }
