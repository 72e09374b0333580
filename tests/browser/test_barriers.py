"""axe-core looks at the desk's pages, light and dark, on a phone and on a desktop: nothing serious, and none scrolls sideways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from blogs.audit import Actor
from blogs.batches import starting
from blogs.models import BlogGeneration
from blogs.outgoing import outbox
from tests.browser.browsing import DESKTOP, PHONE, Person
from tests.support import factories, webhook_rows
from tests.support.blogs.desk_rows import written_generation
from workers.models import Breaker, RateLimit

_AXE = Path(__file__).parent / "axe/node_modules/axe-core/axe.min.js"
_BAD = ("serious", "critical")
_LOOK = """
async () => {
    const why = (node) => [...node.any, ...node.all, ...node.none][0]?.message;
    const {violations} = await axe.run(document, {resultTypes: ["violations"]});
    return violations.map(({id, impact, nodes}) => ({id, impact, nodes: nodes.map((node) => [node.target.join(" "), why(node)])}));
}
"""


@pytest.fixture(scope="module", autouse=True)
def _axe_is_there() -> None:
    if not _AXE.exists():
        pytest.skip("axe is missing: `make test-browser` installs it with npm")


def barriers(person: Person) -> list[str]:
    """List what axe finds serious or critical in the page that is open, and whether it scrolls sideways."""
    person.page.add_script_tag(path=str(_AXE))
    found = person.page.evaluate(_LOOK)
    serious = [f"{each['id']}: {each['nodes'][:3]}" for each in found if each["impact"] in _BAD]
    return [*serious, *(f"scrolls sideways: {each}" for each in person.too_wide())]


@pytest.fixture
def pages(web: str) -> dict[str, str]:
    """A service with a little of everything, and where its pages are."""
    failed = factories.failed_generation()
    written = written_generation()
    factories.pending_generation()
    shop = written.site_id
    limit = RateLimit.objects.create(provider="openai", model="gpt", requests_per_minute=450, tokens_per_minute=450_000)
    endpoint = webhook_rows.endpoint(written.site).endpoint
    outbox.tell(shop, outbox.BLOG_COMPLETED, blog_id=written.pk)
    Breaker.objects.get_or_create(provider="openai")
    mine = Actor("ada")
    colleague = User.objects.create_user("nina")
    batch = starting.start(
        mine, "retry", BlogGeneration.objects.filter(pk=failed.pk), in_words="1", reason="x", options={}
    )
    return {
        "front": "/admin/",
        "blogs": "/admin/blogs/bloggeneration/",
        "blog": f"/admin/blogs/bloggeneration/{written.pk}/change/",
        "batches": "/admin/blogs/batch/",
        "sites": "/admin/wix/site/",
        "site": f"/admin/wix/site/{shop}/change/",
        "topics": f"/admin/wix/site/{shop}/topics/",
        "topics of written blogs": f"/admin/wix/site/{shop}/topics/?show=written&state=draft&q=wool",
        "credits": "/admin/credits/credit/",
        "audit log": "/admin/blogs/auditentry/",
        "limits": "/admin/workers/ratelimit/",
        "breakers": "/admin/workers/breaker/",
        "workers": "/admin/workers/workerprocess/",
        "batch": f"/admin/blogs/batch/{batch.pk}/change/",
        "search": "/admin/search/?q=wool",
        "prices": "/admin/workers/price/",
        "spend": "/admin/workers/spend/",
        "users": "/admin/auth/user/",
        "role": f"/admin/auth/user/{colleague.pk}/role/",
        "a shop's view": f"/admin/wix/site/{shop}/as-shop/",
        "endpoints": "/admin/blogs/webhookendpoint/",
        "endpoint": f"/admin/blogs/webhookendpoint/{endpoint.pk}/change/",
        "limit": f"/admin/workers/ratelimit/{limit.pk}/change/",
        "errors of the API": "/api/errors",
        "error of the API": "/api/errors/throttled",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_no_page_puts_a_barrier_up(
    hire: Callable[..., Person], at_browser: Callable[..., Person], pages: dict[str, str], width: int, scheme: str
) -> None:
    ada = hire(width=width, color_scheme=scheme, bypass_csp=True)
    stranger = at_browser(width=width, color_scheme=scheme, bypass_csp=True)
    found = dict(_found(ada, pages))
    stranger.opens("/admin/login/")
    found["login"] = barriers(stranger)
    stranger.opens("/api/docs")
    stranger.sees("List the site's blogs, newest first", seconds=30)
    found["the API's page"] = barriers(stranger)

    faults = [f"{name}: {fault}" for name, each in found.items() for fault in each]
    assert not faults, "\n".join(faults)


def _found(ada: Person, pages: dict[str, str]) -> Iterator[tuple[str, Any]]:
    for name, path in pages.items():
        ada.opens(path)
        yield name, barriers(ada)
    ada.opens(pages["blog"])
    ada.clicks("Refund", "button")
    ada.sees("Reason", within="dialog")
    yield "confirm", barriers(ada)
