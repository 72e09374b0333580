from __future__ import annotations

import pytest
import requests

from tests.sandbox import Sandbox
from tests.support.sandbox_calls import INSTANCE, WixSite

V3_QUERY = "/stores/v3/products/query"


def test_a_token_is_for_known_instances_only(sandbox: Sandbox) -> None:
    with pytest.raises(requests.HTTPError, match="400"):
        WixSite(sandbox, "99999999-2222-4333-8444-555555555555")


def test_a_removed_app_gets_no_token(sandbox: Sandbox) -> None:
    sandbox.fault("wix", "token_removed")

    with pytest.raises(requests.HTTPError, match="400"):
        WixSite(sandbox)


def test_the_client_secret_is_not_remembered(sandbox: Sandbox, wix_site: WixSite) -> None:
    [remembered] = sandbox.requests("wix", "token")

    assert remembered["body"]["instance_id"] == INSTANCE
    assert "hush" not in str(remembered)


def test_every_answer_carries_a_request_id(sandbox: Sandbox, wix_site: WixSite) -> None:
    answers = [
        wix_site.call("GET", "/stores/v3/provision/version"),
        wix_site.call("GET", "/no/such/path"),
        requests.get(f"{sandbox.wix_url}/stores/v3/provision/version", timeout=5),
    ]

    assert [answer.status_code for answer in answers] == [200, 404, 401]
    assert all(answer.headers["x-wix-request-id"] for answer in answers)
    assert all(answer.json()["details"]["applicationError"]["code"] for answer in answers[1:])


def test_a_bearer_prefix_is_accepted(sandbox: Sandbox, wix_site: WixSite) -> None:
    headers = {"Authorization": f"Bearer {wix_site.token}"}

    assert requests.get(f"{sandbox.wix_url}/stores/v3/provision/version", headers=headers, timeout=5).ok


@pytest.mark.parametrize("kind", ["429", "429_no_retry_after", "401", "403", "503", "not_found"])
def test_a_refusal_is_in_wix_s_form(sandbox: Sandbox, wix_site: WixSite, kind: str) -> None:
    sandbox.fault("wix", kind, "catalog_version", seconds=7)

    answer = wix_site.call("GET", "/stores/v3/provision/version")

    assert answer.status_code == (404 if kind == "not_found" else int(kind[:3]))
    assert answer.json().keys() == {"message", "details"}
    assert answer.headers.get("Retry-After") == ("7" if kind == "429" else None)


def test_a_catalog_can_pretend_to_have_moved(sandbox: Sandbox, wix_site: WixSite) -> None:
    sandbox.fault("wix", "catalog_428")

    assert wix_site.call("POST", V3_QUERY, {"query": {}}).status_code == 428
    assert wix_site.call("POST", V3_QUERY, {"query": {}}).status_code == 200
