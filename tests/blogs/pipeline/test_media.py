"""Pictures on their way into the site's media manager: by import, by upload, or there already."""

from __future__ import annotations

from typing import Any

import pytest

from blogs.models import Stage, Status
from blogs.providers import replicate
from blogs.providers.replicate_files import Picture
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt, warnings
from tests.support.sandbox_fixtures import PRODUCTS
from wix.client import http
from wix.models import Site
from workers.errors import PermanentError
from workers.outbound.addresses import leads_to

PHOTOGRAPHED = [
    {**product, "imageUrl": f"https://static.wixstatic.com/media/a1b2_{number}~mv2.jpg"}
    for number, product in enumerate(PRODUCTS)
]
IDS = [f"a1b2_{number}~mv2.jpg" for number in range(len(PRODUCTS))]


@pytest.fixture
def photographed(sandbox: Sandbox, shop: Site) -> Site:
    sandbox.add_shop(str(shop.instance_id), "Wool & Co", products=PHOTOGRAPHED)
    return shop


def cover(sandbox: Sandbox) -> dict[str, Any]:
    (draft,) = sandbox.drafts()
    media: dict[str, Any] = draft["media"]
    return media


def photos(sandbox: Sandbox) -> list[str]:
    (draft,) = sandbox.drafts()
    nodes = draft["richContent"]["nodes"]
    return [node["imageData"]["image"]["src"]["id"] for node in nodes if node["type"] == "IMAGE"]


@pytest.mark.parametrize("kind", ["media_failed", "media_pending_forever", "403"])
def test_a_picture_that_wix_cannot_fetch_is_uploaded(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any, kind: str
) -> None:
    settings.WIX_MEDIA_STUCK_SECONDS = 1.2
    sandbox.fault("wix", kind, "media_import")
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, [])
    (sent,) = sandbox.requests("wix", "media_upload")
    assert sent["headers"]["Content-Type"] == "image/png"
    assert cover(sandbox)["wixMedia"]["image"]["id"].endswith("~mv2.png")


@pytest.mark.parametrize(
    "address", ["https://evil.example/upload/x", "http://127.0.0.1:9/upload/x", "http://wixmp.com.evil.example/x"]
)
def test_nothing_is_uploaded_to_a_host_that_is_not_wixs(
    sandbox: Sandbox, shop: Site, attempt: Attempt, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    sandbox.fault("wix", "media_failed", "media_import")
    ask = http.request

    def named(instance_id: str, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = ask(instance_id, method, path, **more)
        return {"uploadUrl": address} if path.endswith("/generate-upload-url") else answer

    monkeypatch.setattr(http, "request", named)
    factories.pending_generation(shop)

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["media_failed"])
    assert sandbox.requests("wix", "media_upload") == []


def test_wixs_own_hosts_may_be_uploaded_to(settings: Any) -> None:
    settings.WIX_BASE_URL = "https://www.wixapis.com"
    hosts = ["wixmp.com"]

    assert leads_to("https://upload.wixmp.com/upload/abc?x=1", hosts, base_url=settings.WIX_BASE_URL)
    assert not leads_to("https://upload.wixmp.com:8443/upload/abc", hosts, base_url=settings.WIX_BASE_URL)


def test_a_full_media_manager_is_the_owners_to_mend(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("wix", "media_quota", "media_import")
    factories.pending_generation(shop)

    assert warnings(attempt()) == ["media_quota"]
    assert sandbox.requests("wix", "media_upload_url") == []


@pytest.mark.parametrize("fault", [("after_success", "media_import"), ("500", "media_get")])
def test_a_picture_is_not_imported_twice_when_its_stage_is_tried_again(
    sandbox: Sandbox, shop: Site, attempt: Attempt, fault: tuple[str, ...]
) -> None:
    sandbox.fault("wix", *fault, seconds=0.01)
    factories.pending_generation(shop)
    assert attempt().stage == Stage.MEDIA

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, [])
    assert len(sandbox.requests("wix", "media_import")) == 1


def test_a_search_that_fails_costs_a_second_file_and_not_the_picture(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    sandbox.fault("wix", "after_success", "media_import", seconds=0.01)
    sandbox.fault("wix", "403", "media_search")
    factories.pending_generation(shop)
    attempt()

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, [])
    assert len(sandbox.requests("wix", "media_import")) == 2


def test_a_products_own_photo_can_be_the_cover(sandbox: Sandbox, photographed: Site, attempt: Attempt) -> None:
    factories.pending_generation(photographed, cover="product")

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, [])
    assert cover(sandbox)["wixMedia"]["image"]["id"] in IDS
    assert cover(sandbox)["altText"] in {product["name"] for product in PRODUCTS}
    assert sandbox.requests("replicate") == []
    assert sandbox.requests("wix", "media_import") == []


def test_where_no_product_has_a_photo_the_cover_is_made(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    factories.pending_generation(shop, cover="product")

    assert attempt().status == Status.DONE
    assert len(sandbox.requests("replicate", "create")) == 1
    assert cover(sandbox)["displayed"]


def test_photos_within_the_text_are_the_shops_own(sandbox: Sandbox, photographed: Site, attempt: Attempt) -> None:
    factories.pending_generation(photographed)

    assert attempt().status == Status.DONE
    assert set(photos(sandbox)) <= set(IDS)
    assert photos(sandbox)
    calls = [sent["operation"] for sent in sandbox.requests("wix") if sent["operation"].startswith("media")]
    assert calls[0] == "media_import"  # the cover's


def test_a_photo_that_the_media_manager_lacks_is_imported_once(
    sandbox: Sandbox, photographed: Site, attempt: Attempt
) -> None:
    sandbox.fault("wix", "not_found", "media_get", times=1)
    for _ in range(2):
        factories.pending_generation(photographed, cover="product")
        assert attempt().status == Status.DONE
        sandbox.fault("wix", "not_found", "media_get", times=1)

    (sent,) = sandbox.requests("wix", "media_import")
    assert sent["body"]["url"] == f"https://static.wixstatic.com/media/{sent['body']['displayName'][6:]}"


@pytest.mark.parametrize(("kind", "each"), [("media_pending_forever", 1.2), ("media_failed", 1.2), ("timeout", 0.3)])
def test_a_photo_that_is_not_there_in_time_gives_way_to_the_next(
    sandbox: Sandbox, photographed: Site, attempt: Attempt, settings: Any, kind: str, each: float
) -> None:
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "media": 3 * len(IDS) * each}
    sandbox.fault("wix", "not_found", "media_get", times=1)
    sandbox.fault("wix", kind, "media_import", seconds=2)
    factories.pending_generation(photographed, cover="product")

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["photo_unusable"])
    lost = sandbox.requests("wix", "media_import")[0]["body"]["displayName"].removeprefix("photo-")
    assert cover(sandbox)["wixMedia"]["image"]["id"] in {*IDS} - {lost}
    assert lost not in photos(sandbox)


def test_a_photo_that_cannot_be_had_is_left_out(sandbox: Sandbox, photographed: Site, attempt: Attempt) -> None:
    sandbox.fault("wix", "not_found", "media_get", times=None)
    sandbox.fault("wix", "403", "media_import", times=None)
    factories.pending_generation(photographed, cover="product")

    done = attempt()

    assert done.status == Status.DONE
    assert set(warnings(done)) == {"photo_unusable"}
    assert photos(sandbox) == []
    assert "wixMedia" not in cover(sandbox)


def test_no_more_is_downloaded_than_wix_takes_in_an_upload(sandbox: Sandbox) -> None:
    order = replicate.order("a cup", seconds=10)
    picture = replicate.collect(order, seconds=10)

    with pytest.raises(PermanentError, match="more than 1,000 bytes"):
        replicate.download(picture, at_most=1_000, seconds=10)
    with pytest.raises(PermanentError, match="can't be fetched"):
        replicate.download(Picture(f"{picture.url}x", "image/png"), at_most=1_000, seconds=10)
