"""What Wix says of our app on a site, and what it means when it says nothing any more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from wix.client.answers import NotConnected
from wix.client.app_instance import AppInstance, Billing, app_instance, parsed
from wix.models import Site
from workers.context.on_behalf import Caller, on_behalf_of
from workers.errors import AccountRefused, TransientError
from workers.models import Breaker, BreakerFailure

BILLING = {
    "packageName": "plan-gold",
    "billingCycle": "YEARLY",
    "timeStamp": "2026-11-01T10:00:00.000Z",
    "expirationDate": "2027-11-01T10:00:00.000Z",
    "autoRenewing": True,
    "invoiceId": "inv-1",
    "source": "WIX",
    "freeTrialInfo": {"status": "IN_PROGRESS", "endDate": "2026-11-08T10:00:00Z"},
}


def test_a_paid_site_is_told_with_all_it_says(sandbox: Any, shop: Site) -> None:
    sandbox.change_shop(
        str(shop.instance_id), billing=BILLING, url="https://wool.example", ownerEmail="ada@wool.example"
    )

    found = app_instance(str(shop.instance_id), seconds=5)

    bought = datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert found == AppInstance(
        instance_id=str(shop.instance_id),
        is_free=False,
        billing=Billing(
            product_id="plan-gold",
            cycle="YEARLY",
            since=bought,
            expires_at=bought.replace(year=2027),
            auto_renewing=True,
            invoice_id="inv-1",
            source="WIX",
            trial_status="IN_PROGRESS",
            trial_ends_at=bought.replace(day=8),
        ),
        site_name="Wool & Co",
        site_url="https://wool.example",
        locale="en",
        currency="USD",
        owner_email="ada@wool.example",
        installed_apps=("blog", "stores"),
    )
    assert found.billing is not None
    assert found.billing.on_free_trial
    [asked] = sandbox.requests("wix", "app_instance")
    assert (asked["method"], asked["path"]) == ("GET", "/wix/apps/v1/instance")


@pytest.mark.parametrize(
    ("answer", "is_free"),
    [
        ({}, None),
        ({"instance": None, "site": []}, None),
        ({"instance": {"isFree": "false", "billing": {"billingCycle": "MONTHLY"}}, "site": {"url": 7}}, None),
        ({"instance": {"isFree": True, "billing": "none"}, "site": {"installedWixApps": None}}, True),
    ],
)
def test_whatever_is_missing_is_empty(answer: dict[str, Any], is_free: bool | None) -> None:
    assert parsed("an-id", answer) == AppInstance(instance_id="an-id", is_free=is_free)


def test_a_time_that_is_none_is_left_out() -> None:
    billing = {"packageName": "gold", "timeStamp": "2026-13-45T00:00:00Z", "expirationDate": "soon"}

    assert parsed("an-id", {"instance": {"billing": billing}}).billing == Billing(product_id="gold")


@pytest.mark.parametrize("status", ["400", "401", "403", "404"])
def test_sites_that_have_removed_the_app_are_not_connected_and_no_breaker_hears_of_it(
    sandbox: Any, shop: Site, status: str
) -> None:
    app_instance(str(shop.instance_id), seconds=5)
    sandbox.uninstall(str(shop.instance_id))
    sandbox.switch(wix_removed=status)

    for number in range(3):
        with on_behalf_of(Caller(work=number, party=number)), pytest.raises(NotConnected) as refused:
            app_instance(str(shop.instance_id), seconds=5)
        assert refused.value.status == int(status)

    assert not BreakerFailure.objects.exists()
    assert not Breaker.objects.filter(opened_at__isnull=False).exists()


def test_the_app_comes_back_when_it_is_installed_again(sandbox: Any, shop: Site) -> None:
    sandbox.uninstall(str(shop.instance_id))
    with pytest.raises(NotConnected):
        app_instance(str(shop.instance_id), seconds=5)

    sandbox.change_shop(str(shop.instance_id), removed=False)

    assert app_instance(str(shop.instance_id), seconds=5).is_free is True


@pytest.mark.parametrize("kind", ["403", "not_found"])
def test_a_refusal_of_this_call_alone_means_the_same(sandbox: Any, shop: Site, kind: str) -> None:
    sandbox.fault("wix", kind, "app_instance")

    with pytest.raises(NotConnected):
        app_instance(str(shop.instance_id), seconds=5)


@pytest.mark.parametrize("operation", ["token", "app_instance"])
def test_an_outage_is_no_sign_of_a_removed_app(sandbox: Any, shop: Site, operation: str) -> None:
    sandbox.fault("wix", "500", operation)

    with pytest.raises(TransientError):
        app_instance(str(shop.instance_id), seconds=5)


def test_a_wrong_secret_does_not_make_a_site_look_removed(sandbox: Any, shop: Site, settings: Any) -> None:
    settings.WIX_APP_SECRET = ""

    with pytest.raises(AccountRefused):
        app_instance(str(shop.instance_id), seconds=5)
