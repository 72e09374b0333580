"""Reads what Wix knows of our app on one site: what the site pays for, and its own data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wix.client import http
from wix.client.answers import NotConnected, WixRefused
from wix.client.fields import moment, object_in, text_in

# Each may mean that the app was removed: which one Wix answers then is not documented.
_REFUSED = (400, 401, 403, 404)


@dataclass(frozen=True, slots=True)
class Billing:
    """A paid plan, or a free trial of one. Fields that Wix left out are empty."""

    product_id: str
    """Wix's `packageName`: what webhooks and signed instances call `vendorProductId`."""
    cycle: str = ""
    since: datetime | None = None
    expires_at: datetime | None = None
    auto_renewing: bool = False
    invoice_id: str = ""
    source: str = ""
    trial_status: str = ""
    trial_ends_at: datetime | None = None

    @property
    def on_free_trial(self) -> bool:
        return self.trial_status == "IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class AppInstance:
    instance_id: str
    is_free: bool | None
    """None: Wix didn't say, so that it doesn't mean that a plan has ended."""
    billing: Billing | None = None
    origin_instance_id: str | None = None
    site_name: str = ""
    site_url: str = ""
    locale: str = ""
    currency: str = ""
    owner_email: str = ""
    installed_apps: tuple[str, ...] = ()


def app_instance(instance_id: str, *, seconds: float) -> AppInstance:
    """Ask Wix. Raises NotConnected where the app was removed, which no breaker counts; RateLimited, TransientError."""
    try:
        answer = http.request(
            instance_id, "GET", "/apps/v1/instance", operation="app_instance", seconds=seconds, may_be_gone=True
        )
    except WixRefused as refused:
        if refused.status in _REFUSED:
            raise NotConnected(refused.status) from None
        raise
    return parsed(instance_id, answer)


def parsed(instance_id: str, answer: dict[str, Any]) -> AppInstance:
    """Read Wix's answer, of which anything may be missing or of another type."""
    instance, site = object_in(answer, "instance"), object_in(answer, "site")
    is_free = instance.get("isFree")
    apps = site.get("installedWixApps")
    return AppInstance(
        instance_id=_text(instance, "instanceId") or instance_id,
        is_free=is_free if isinstance(is_free, bool) else None,
        billing=_billing(object_in(instance, "billing")),
        origin_instance_id=_text(instance, "originInstanceId") or None,
        site_name=_text(site, "siteDisplayName"),
        site_url=_text(site, "url"),
        locale=_text(site, "locale"),
        currency=_text(site, "paymentCurrency"),
        owner_email=_text(object_in(site, "ownerInfo"), "email"),
        installed_apps=tuple(app for app in apps if isinstance(app, str)) if isinstance(apps, list) else (),
    )


def _billing(billing: dict[str, Any]) -> Billing | None:
    if not (product_id := _text(billing, "packageName")):
        return None
    trial = object_in(billing, "freeTrialInfo")
    return Billing(
        product_id=product_id,
        cycle=_text(billing, "billingCycle"),
        since=_time(billing, "timeStamp"),
        expires_at=_time(billing, "expirationDate"),
        auto_renewing=billing.get("autoRenewing") is True,
        invoice_id=_text(billing, "invoiceId"),
        source=_text(billing, "source"),
        trial_status=_text(trial, "status"),
        trial_ends_at=_time(trial, "endDate"),
    )


def _text(document: dict[str, Any], name: str) -> str:
    return text_in(document, name).strip()


def _time(document: dict[str, Any], name: str) -> datetime | None:
    return moment(_text(document, name))
