"""1,000 signed webhooks at 50 in parallel against the real gunicorn, with a real worker behind it: `make bench NAME=webhooks`.

200 shops buy a plan and change it, or leave with blogs waiting; in no order, with duplicates and resends signed again. Milliseconds
are the poster's, on the same machine as everything else, of a server that has served before; `worked_off_s` is from the first
post until the worker has done the last. Then everything must have happened once: sites, trial credits, allowances, cancelled
blogs; else it fails.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import aiohttp
from django.db.models import Sum
from django.utils import timezone

from blogs.models import BlogGeneration, Status
from blogs.operations import proof
from blogs.queue import submitting
from blogs.queue.request import BlogRequest
from config.processes import Processes
from credits.models import Credit
from tests.bench import crowd
from tests.sandbox import SandboxClient, wix_webhooks
from tests.sandbox.wix_webhooks import Posted, sample
from tests.support.factories import site
from tests.support.world import free_port
from wix.models import Plan, Site, WebhookDelivery

_STAYING, _LEAVING, _BLOGS = 180, 20, 5
_DELIVERIES, _PARALLEL = 1_000, 50
_TRIAL, _LARGER = 50, 400
_DAY = 86_400


def measure() -> dict[str, Any]:
    Plan.objects.create(vendor_product_id="basic", name="Basic", monthly_credits=100)
    Plan.objects.create(vendor_product_id="pro", name="Pro", monthly_credits=_LARGER, weight=3)
    staying = [str(uuid.uuid4()) for _ in range(_STAYING)]
    leaving = [str(_with_blogs().instance_id) for _ in range(_LEAVING)]
    tokens = wix_webhooks.mailbag(
        [event for shop in staying for event in _history(shop)] + _farewells(leaving), _DELIVERIES
    )
    port, sandbox = free_port(), SandboxClient(f"http://127.0.0.1:{free_port()}")
    environment = {
        **os.environ,
        "BIND": f"127.0.0.1:{port}",
        "WIX_BASE_URL": sandbox.wix_url,
        "WIX_WEBHOOK_PUBLIC_KEYS": wix_webhooks.public_key(),
    }
    with Processes(environment, log=crowd.LOG, grace=5) as running:
        _start(running, sandbox, staying, leaving)
        began = time.monotonic()
        answers = asyncio.run(_post(f"http://127.0.0.1:{port}/wix/webhooks", tokens))
        running.wait_for(_is_worked_off, seconds=300, what="the worker")
        worked_off = time.monotonic() - began
    seconds = [took for _, took in answers]
    return {
        "p50_ms": round(1000 * statistics.median(seconds), 1),
        "p99_ms": round(1000 * statistics.quantiles(seconds, n=100)[98], 1),
        "max_ms": round(1000 * max(seconds), 1),
        "all_200": {status for status, _ in answers} == {200},
        "stored": WebhookDelivery.objects.count(),
        "exactly_once": _happened_once(staying, leaving),
        "worked_off_s": round(worked_off, 1),
    }


def _with_blogs() -> Site:
    leaving = site(credits=1_000)
    later = timezone.now() + timedelta(days=1)
    for number in range(_BLOGS):
        asked = BlogRequest("keyword", f"wool {number}", "en", "friendly", "short", publish=False, scheduled_at=later)
        submitting.submit(site=leaving, request=asked)
    return leaving


def _history(shop: str) -> list[Posted]:
    now = int(time.time()) - 600
    return [
        Posted("AppInstalled", shop, sample("AppInstalled"), now),
        # As Wix says it stands, or it would be asked again until it does.
        Posted("PaidPlanPurchased", shop, sample("PaidPlanPurchased", vendorProductId="pro"), now + 60),
        Posted("PaidPlanChanged", shop, sample("PaidPlanChanged", vendorProductId="pro"), now + 120),
        Posted("InvoiceStatusUpdated", shop, sample("InvoiceStatusUpdated"), now + 120),
    ]


def _farewells(shops: Sequence[str]) -> list[Posted]:
    now = int(time.time()) - 600
    return [
        Posted(name, shop, sample(name), now - days * _DAY)
        for shop in shops
        for name, days in (("AppInstalled", 3), ("AppRemoved", 0))
    ]


def _start(running: Processes, sandbox: SandboxClient, staying: Sequence[str], leaving: Sequence[str]) -> None:
    running.start("sandbox", "-m", "tests.sandbox", "--port", sandbox.url.rsplit(":", 1)[-1], "--speed", "20")
    running.wait_for(lambda: _answers(sandbox), seconds=30, what="the sandbox")
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    plan = {"packageName": "pro", "billingCycle": "MONTHLY", "timeStamp": since, "invoiceId": "1002"}
    for shop in (*staying, *leaving):
        sandbox.add_shop(shop)
        sandbox.change_shop(shop, **({"billing": plan} if shop in staying else {"removed": True}))
    running.start("worker", "manage.py", "run_blog_worker")
    running.start("web", "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi")
    running.wait_for(
        lambda: crowd.query("SELECT count(*) FROM workers_workerprocess")[0] == 1, seconds=60, what="the worker"
    )


def _answers(sandbox: SandboxClient) -> bool:
    try:
        return bool(sandbox.stats())
    except OSError:
        return False


async def _post(url: str, tokens: Sequence[str]) -> list[tuple[int, float]]:
    """Each answer's status, and how many seconds it took."""
    waiting, answers = iter(tokens), []

    async def post_one_after_the_other(session: aiohttp.ClientSession) -> None:
        for token in waiting:
            began = time.monotonic()
            async with session.post(url, data=token, headers={"Content-Type": "text/plain"}) as answer:
                await answer.read()
                answers.append((answer.status, time.monotonic() - began))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_PARALLEL)) as session:
        await _until_it_answers(session, url)
        await _until_it_has_served(session, url)
        await asyncio.gather(*(post_one_after_the_other(session) for _ in range(_PARALLEL)))
    return answers


async def _until_it_answers(session: aiohttp.ClientSession, url: str) -> None:
    """Its processes have imported everything once they have refused something."""
    refused, gives_up_at = 0, time.monotonic() + 60
    while refused < 20:
        assert time.monotonic() < gives_up_at, "gunicorn never answered"
        try:
            async with session.post(url, data="x") as answer:
                refused += answer.status == 400
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.1)


async def _until_it_has_served(session: aiohttp.ClientSession, url: str) -> None:
    """A server that has been up for a while has its connections to PostgreSQL."""

    async def look() -> None:
        async with session.get(url.replace("/wix/webhooks", "/api/rate-limiter/stats")) as answer:
            await answer.read()

    for _ in range(4):
        await asyncio.gather(*(look() for _ in range(_PARALLEL)))


def _is_worked_off() -> bool:
    return not WebhookDelivery.objects.filter(due_at__isnull=False).exists()


def _happened_once(staying: Sequence[str], leaving: Sequence[str]) -> bool:
    stay, left = Site.objects.filter(instance_id__in=staying), Site.objects.filter(instance_id__in=leaving)
    given = dict(stay.values_list("instance_id").annotate(Sum("credit_account__entries__balance_change")))
    states = {
        "deliveries": list(WebhookDelivery.objects.values_list("status", flat=True).distinct()) == ["done"],
        "sites": Site.objects.count() == len(staying) + len(leaving),
        "stayed": stay.filter(removed_at=None, line__waiting_max=None).count() == len(staying),
        "credits": set(given.values()) == {_TRIAL + _LARGER},
        "left": left.filter(removed_at__isnull=False).count() == len(leaving),
        "cancelled": BlogGeneration.objects.filter(status=Status.CANCELLED).count() == _BLOGS * len(leaving),
        "released": Credit.objects.filter(kind=Credit.Kind.RELEASE).count() == _BLOGS * len(leaving),
        "ledger": not proof.discrepancies(),
    }
    assert all(states.values()), states
    return True
