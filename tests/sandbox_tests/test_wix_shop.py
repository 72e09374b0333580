from __future__ import annotations

import json

import pytest
import requests

from tests.sandbox import Sandbox
from tests.sandbox.picture import gradient
from tests.support.sandbox_calls import INSTANCE, PRODUCTS, WixSite

V1_QUERY = "/stores-reader/v1/products/query"
V3_QUERY = "/stores/v3/products/query"


class TestProducts:
    def test_v3_shows_addresses_and_texts_only_when_asked_by_name(self, wix_site: WixSite) -> None:
        fields = ["URL", "CURRENCY", "PLAIN_DESCRIPTION", "MEDIA_ITEMS_INFO"]

        bare = wix_site.call("POST", V3_QUERY, {"query": {}}).json()["products"][0]
        full = wix_site.call("POST", V3_QUERY, {"query": {}, "fields": fields}).json()["products"][0]

        assert not bare.keys() & {"url", "currency", "plainDescription"}
        assert full["url"]["url"] == PRODUCTS[0]["url"]
        assert "European flax" in full["plainDescription"]
        assert full["actualPriceRange"]["minValue"]["amount"] == "129.00"
        assert full["media"]["main"]["image"]["id"] == "abc_1234~mv2.jpg"

    def test_v3_pages_by_cursor(self, wix_site: WixSite) -> None:
        first = wix_site.call("POST", V3_QUERY, {"query": {"cursorPaging": {"limit": 1}}}).json()
        cursor = first["pagingMetadata"]["cursors"]["next"]
        second = wix_site.call("POST", V3_QUERY, {"query": {"cursorPaging": {"limit": 1, "cursor": cursor}}}).json()

        assert [p["id"] for p in first["products"] + second["products"]] == ["p-linen", "p-throw"]
        assert (first["pagingMetadata"]["hasNext"], second["pagingMetadata"]["hasNext"]) == (True, False)

    def test_v1_takes_its_filter_as_a_string_and_hides_the_hidden(self, sandbox: Sandbox, wix_site: WixSite) -> None:
        sandbox.add_shop(INSTANCE, "Nordlicht", catalog_version="V1_CATALOG", products=PRODUCTS)
        first = wix_site.call("GET", "/stores-reader/v1/products/p-linen").json()["product"]
        later = {"numericId": {"$gt": first["numericId"]}}
        query = {"filter": json.dumps(later), "sort": '[{"numericId":"asc"}]'}

        answer = wix_site.call("POST", V1_QUERY, {"query": query}).json()

        assert [product["id"] for product in answer["products"]] == ["p-throw"]
        assert answer["totalResults"] == 1
        address = answer["products"][0]["productPageUrl"]
        assert address["base"] + address["path"] == PRODUCTS[1]["url"]
        assert wix_site.call("POST", V1_QUERY, {"query": {"filter": {"visible": True}}}).status_code == 400

    @pytest.mark.parametrize(
        ("version", "path", "code"),
        [
            ("V1_CATALOG", V3_QUERY, "CATALOG_V1_SITE_CALLING_CATALOG_V3_API"),
            ("V3_CATALOG", V1_QUERY, "CATALOG_V3_CALLING_CATALOG_V1_API"),
        ],
    )
    def test_the_wrong_family_is_a_failed_precondition(
        self, sandbox: Sandbox, wix_site: WixSite, version: str, path: str, code: str
    ) -> None:
        sandbox.add_shop(INSTANCE, catalog_version=version)

        answer = wix_site.call("POST", path, {"query": {}})

        assert answer.status_code == 428
        assert answer.json()["details"]["applicationError"]["code"] == code

    def test_one_product_is_found_unless_hidden(self, wix_site: WixSite) -> None:
        assert wix_site.call("GET", "/stores/v3/products/p-throw").json()["product"]["name"] == "Wool Throw"
        assert wix_site.call("GET", "/stores/v3/products/p-hidden").status_code == 404


class TestMedia:
    def test_an_import_is_pending_first_and_then_ready_with_its_size(self, wix_site: WixSite) -> None:
        body = {"url": "https://images.example/a", "mimeType": "image/png"}
        imported = wix_site.call("POST", "/site-media/v1/files/import", body).json()["file"]

        ready = wix_site.settled(imported["id"])

        assert imported["operationStatus"] == "PENDING"
        assert "media" not in imported
        assert ready["media"]["image"]["image"] == {
            "id": imported["id"],
            "url": f"https://static.wixstatic.com/media/{imported['id']}",
            "width": 1344,
            "height": 768,
        }

    def test_an_import_whose_type_cannot_be_told_is_invalid(self, wix_site: WixSite) -> None:
        answer = wix_site.call("POST", "/site-media/v1/files/import", {"url": "https://images.example/a"})

        assert answer.status_code == 400
        assert answer.json()["details"]["validationError"]["fieldViolations"][0]["field"] == "mimeType"

    def test_uploaded_bytes_are_ready_at_once(self, wix_site: WixSite) -> None:
        body = {"mimeType": "image/png", "fileName": "a.png"}
        upload_url = wix_site.call("POST", "/site-media/v1/files/generate-upload-url", body).json()["uploadUrl"]

        headers = {"Content-Type": "image/png"}
        answer = requests.put(upload_url, data=gradient("a"), headers=headers, timeout=5)

        assert answer.json()["file"]["operationStatus"] == "READY"
        assert requests.put(upload_url, data=b"again", headers=headers, timeout=5).status_code == 403

    def test_bytes_of_another_type_are_refused(self, wix_site: WixSite) -> None:
        body = {"mimeType": "image/png", "fileName": "a.png"}
        upload_url = wix_site.call("POST", "/site-media/v1/files/generate-upload-url", body).json()["uploadUrl"]

        answer = requests.put(upload_url, data=b"GIF89a", headers={"Content-Type": "image/png"}, timeout=5)

        assert answer.status_code == 400

    def test_faults_make_it_fail_or_wait_for_ever(self, sandbox: Sandbox, wix_site: WixSite) -> None:
        sandbox.fault("wix", "media_failed")
        sandbox.fault("wix", "media_pending_forever")
        body = {"url": "https://images.example/a.png"}
        failed, stuck = (wix_site.call("POST", "/site-media/v1/files/import", body).json()["file"] for _ in range(2))

        assert wix_site.settled(failed["id"])["operationStatus"] == "FAILED"
        with pytest.raises(AssertionError):
            wix_site.settled(stuck["id"], deadline_seconds=0.1)


class TestMembers:
    def test_a_new_site_has_none_and_a_created_one_is_listed(self, wix_site: WixSite) -> None:
        empty = wix_site.call("GET", "/members/v1/members", params={"fieldsets": "FULL", "paging.limit": 100}).json()
        member_id = wix_site.member()
        listed = wix_site.call("GET", "/members/v1/members").json()

        assert empty == {"members": [], "metadata": {"count": 0, "offset": 0, "total": 0}}
        assert [member["id"] for member in listed["members"]] == [member_id]
        assert listed["members"][0]["profile"]["nickname"] == "Editorial team"

    def test_an_address_can_be_taken_only_once(self, wix_site: WixSite) -> None:
        wix_site.member()

        member = {"member": {"loginEmail": "author@nordlicht.example"}}
        assert wix_site.call("POST", "/members/v1/members", member).status_code == 409
