"""Fixtures that put the sandbox behind the product's own base-URL settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from blogs.providers import openai, replicate
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.front import Front, front_of
from wix.client import wire
from wix.models import Site

PRODUCTS = [
    {
        "id": f"{number:08d}-0000-4000-8000-000000000000",
        "name": name,
        "description": f"<p>{text}</p>",
        "price": 49.0,
        "url": f"https://shop.example/product-page/{number}",
    }
    for number, (name, text) in enumerate(
        [
            ("Merino Scarf", "Knitted from soft merino wool in a small mill, 180 cm long, washable at 30 degrees."),
            ("Lambswool Beanie", "A warm beanie of lambswool with a folded brim, made to last many winters."),
            ("Alpaca Mittens", "Mittens of baby alpaca, light and very warm, lined with cotton."),
        ],
        start=1,
    )
]


@pytest.fixture(scope="session")
def _running_sandbox() -> Iterator[Sandbox]:
    with Sandbox(speed=1000, limit_scale=1000) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_running_sandbox: Sandbox, settings: Any, transactional_db: None) -> Iterator[Sandbox]:
    """An empty sandbox. The product's own base-URL settings name it, and wait as long as a test can afford."""
    _running_sandbox.reset()
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = _running_sandbox.openai_url, "sk-test-secret"
    settings.REPLICATE_BASE_URL, settings.REPLICATE_API_TOKEN = _running_sandbox.replicate_url, "r8-test-secret"
    # Named with its port too: a door in front of the stand-ins has another one.
    itself = urlsplit(_running_sandbox.url).netloc
    settings.REPLICATE_FILE_HOSTS, settings.WIX_UPLOAD_HOSTS = ["127.0.0.1", itself], [itself]
    settings.WIX_BASE_URL = _running_sandbox.wix_url
    settings.REPLICATE_POLL_SECONDS = settings.WIX_MEDIA_POLL_SECONDS = 0.01
    settings.RATE_LIMITS = {
        "openai": {"requests": 450_000, "tokens": 450_000_000},
        "replicate": {"requests": 450_000},
        "replicate_reads": {"requests": 3_000_000},
        "wix": {"requests": 200_000},
        "wix_token_info": {"requests": 200_000},
    }
    yield _running_sandbox
    _running_sandbox.clear_faults()
    close_clients()


def close_clients() -> None:
    """Close what a process keeps open as long as it lives: it was opened for this test's addresses."""
    openai._client().close()
    replicate._client()._client.close()
    replicate._reader().close()
    replicate._fetcher().close()
    for remembered in (openai._client, replicate._client, replicate._reader, replicate._fetcher):
        remembered.cache_clear()
    wire._session().close()


@pytest.fixture
def front(sandbox: Sandbox, settings: Any) -> Iterator[Front]:
    """A door between the product and the sandbox, which answers or changes what a test tells it to."""
    with front_of(sandbox.url) as door:
        settings.OPENAI_BASE_URL = f"{door.url}/openai/v1"
        settings.REPLICATE_BASE_URL = f"{door.url}/replicate"
        settings.WIX_BASE_URL = f"{door.url}/wix"
        yield door


@pytest.fixture
def shop(sandbox: Sandbox) -> Site:
    """A site with a V3 catalog of three products and 1,000 credits."""
    site = factories.site(name="Wool & Co")
    sandbox.add_shop(str(site.instance_id), "Wool & Co", products=PRODUCTS)
    return site
