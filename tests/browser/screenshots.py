"""`make screenshots`: the pictures of the desk in docs, taken of the real product with sample shops and a worker."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.processes import stop_on_signals
from tests.browser import chromium
from tests.browser.browsing import DESKTOP, PHONE
from tests.support.shops import SHOPS
from tests.support.world import World, running

_DOCS = Path(__file__).resolve().parents[2] / "docs"
_SPEED = 12
_BLOGS = 60
_PATIENCE_SECONDS = 90
# A page of the docs must not take long to load.
_BYTES_MAX = 150_000
_LOGIN = ("ada", "a long and right password")
_FAILURES = ("content_refused", "content_refused", "timeout", "timeout", "timeout", "blog_not_installed")


def main() -> int:
    stop_on_signals()
    if (path := chromium.path()) is None:
        print("Chromium is missing: `apt-get install chromium`", file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    # Playwright keeps an event loop in this thread; Django would refuse its queries there.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with running("screenshots", SHOPS, speed=_SPEED) as world, sync_playwright() as playwright:
        failed, done = _sample(world)
        browser = playwright.chromium.launch(executable_path=path, args=chromium.ARGUMENTS)
        try:
            _take(browser, world.url, failed, done)
        finally:
            browser.close()
    large = [file.name for file in _DOCS.glob("desk-*.png") if file.stat().st_size > _BYTES_MAX]
    for name in large:
        print(f"{name} is larger than {_BYTES_MAX:,} bytes", file=sys.stderr)
    return 1 if large else 0


def _sample(world: World) -> tuple[int, int]:
    """Let some blogs fail, some be done and others be under way. Return the numbers of one that failed and of one that is done."""
    from django.conf import settings
    from django.contrib.auth.models import User

    from blogs.models import BlogGeneration, Status
    from tests.support import factories
    from wix.models import Site
    from workers.models import Price, WorkerProcess

    User.objects.create_superuser(_LOGIN[0], password=_LOGIN[1])
    for provider, model, price in (
        ("openai", settings.OPENAI_MODEL, {"input_per_million": "0.40", "output_per_million": "1.60"}),
        ("replicate", settings.REPLICATE_MODEL, {"per_picture": "0.003"}),
    ):
        Price.objects.create(provider=provider, model=model, valid_from="2026-01-01", by=_LOGIN[0], **price)
    shops = [Site.objects.get(instance_id=shop.instance_id) for shop in SHOPS]
    topics = ("autumn gifts", "how to brew", "a cosy room", "care for wool", "a slow morning", "what oak is for")
    failed = [
        factories.failed_generation(shops[number % len(shops)], code=code, source_id=topic)
        for number, (code, topic) in enumerate(zip(_FAILURES, topics, strict=True))
    ]
    WorkerProcess.objects.all().delete()
    requested = [(shop, request) for shop in SHOPS for request in shop.requests()]
    for shop, request in requested[:_BLOGS]:
        world.submit(shop, request)
    world.start_worker()
    done = BlogGeneration.objects.filter(status=Status.DONE).order_by("id")
    _wait_until(world, lambda: done.count() >= _BLOGS // 2)
    with_product = done.filter(article__content__blocks__contains=[{"type": "product"}]).first() or done.first()
    assert with_product
    return failed[0].pk, with_product.pk


def _wait_until(world: World, ready: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while not ready():
        world.processes.check()
        if time.monotonic() > ends_at:
            raise SystemExit("The sample blogs are not done in time.")
        time.sleep(0.2)


def _take(browser: Any, url: str, failed: int, done: int) -> None:
    blogs = f"{url}/admin/blogs/bloggeneration/"
    light = _signed_in(browser, url, DESKTOP, 720)
    _picture(light, f"{url}/admin/", "front")
    _picture(light, f"{blogs}?status__exact=FAILED&ended=hour", "blogs")
    _picture(light, f"{blogs}{done}/change/", "blog")
    light.goto(f"{blogs}{failed}/change/")
    light.get_by_role("button", name="Retry from scratch").click()
    light.locator("dialog [autofocus]").fill("ticket 1047: the topic was changed")
    light.screenshot(path=_DOCS / "desk-dialog.png")
    dark = _signed_in(browser, url, PHONE, 844, color_scheme="dark")
    _picture(dark, blogs, "phone")


def _signed_in(browser: Any, url: str, width: int, height: int, **options: Any) -> Any:
    page = browser.new_context(viewport={"width": width, "height": height}, **options).new_page()
    page.route("https://static.wixstatic.com/**", lambda route: route.abort())
    page.goto(f"{url}/admin/login/")
    page.get_by_label("Username:").fill(_LOGIN[0])
    page.get_by_label("Password:").fill(_LOGIN[1])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")
    return page


def _picture(page: Any, url: str, name: str) -> None:
    page.goto(url)
    page.screenshot(path=_DOCS / f"desk-{name}.png")


if __name__ == "__main__":
    sys.exit(main())
