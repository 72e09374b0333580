"""The real `run_blog_worker` in a process of its own, against the sandbox and the test's own database."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import IO

from django.conf import settings as django_settings

from blogs import queue
from blogs.models import BlogGeneration, Status
from config.processes import Process
from tests.sandbox import Sandbox
from tests.support import factories, forks
from tests.support.database import database_url
from tests.support.sandbox_fixtures import PRODUCTS
from tests.support.threads import wait_until
from wix.models import Site

STAGE_CALLS = {
    "products": ("wix", "product_get"),
    "idea": ("openai", "idea"),
    "image_order": ("replicate", "create"),
    "article": ("openai", "article"),
    "image": ("replicate", "get"),
    "media": ("wix", "media_import"),
    "draft": ("wix", "draft_create"),
    "publish": ("wix", "draft_publish"),
}


def submit_blogs(shop: Site, count: int) -> None:
    """Submit blogs of one shop. Only the first is about a product, so that no other waits for Wix in its first stage."""
    factories.pending_generation(shop, source_type="product", source_id=PRODUCTS[0]["id"], publish=True)
    for number in range(1, count):
        factories.pending_generation(shop, source_id=f"topic {number}", publish=True)


class Worker:
    """A worker process of ours. Its leases are short, so that a rescue takes two seconds and not twenty."""

    def __init__(self, sandbox: Sandbox, **settings: str) -> None:
        self._settings = {
            "PROCESS_NAME": "test-worker",
            "DATABASE_URL": database_url(),
            "WIX_APP_ID": django_settings.WIX_APP_ID,
            "WIX_APP_SECRET": django_settings.WIX_APP_SECRET,
            "OPENAI_BASE_URL": sandbox.openai_url,
            "REPLICATE_BASE_URL": sandbox.replicate_url,
            "REPLICATE_FILE_HOSTS": "127.0.0.1",
            "WIX_BASE_URL": sandbox.wix_url,
            "REPLICATE_POLL_SECONDS": "0.05",
            "WIX_MEDIA_POLL_SECONDS": "0.05",
            "OPENAI_REQUESTS_PER_MINUTE": "45000",
            "OPENAI_TOKENS_PER_MINUTE": "45000000",
            "REPLICATE_REQUESTS_PER_MINUTE": "45000",
            "REPLICATE_READS_PER_MINUTE": "300000",
            "WIX_REQUESTS_PER_MINUTE": "20000",
            "BLOG_WORKER_LEASE_SECONDS": "2",
            "BLOG_WORKER_LEASE_RENEW_SECONDS": "0.5",
            "BLOG_BACKOFF_SECONDS": "0.2",
            "STAGE_DRAFT_DEADLINE_SECONDS": "6",
            "BLOG_DRAFT_LOOKUP_SECONDS": "6",
            **settings,
        }
        self.process: Process | None = None

    def start(self, *arguments: str, output: IO[bytes] | None = None) -> None:
        self.process = forks.start_worker(arguments, {**os.environ, **self._settings}, output)

    def signal(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)

    def wait(self, seconds: float = 20) -> int:
        assert self.process
        return self.process.wait(seconds)

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


MakeWorker = Callable[..., Worker]
"""A worker with these settings; the caller starts it, and its fixture kills it."""


def statuses() -> list[str]:
    return sorted(BlogGeneration.objects.values_list("status", flat=True))


def stages_in_hand() -> set[str]:
    return set(BlogGeneration.objects.filter(status=Status.PROCESSING).values_list("stage", flat=True))


def take_over() -> list[BlogGeneration]:
    """Wait until all leases have run out, and claim what they held for a worker of ours."""
    wait_until(lambda: not BlogGeneration.objects.filter(status=Status.PROCESSING).exists() or _rescued(), seconds=10)
    return queue.claim(factories.WorkerFactory.create(), 50)


def _rescued() -> bool:
    queue.rescue()
    return False
