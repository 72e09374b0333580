"""What an app may know of itself on a site: its plan, and whose site it is."""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web

from tests.sandbox.provider import Call
from tests.sandbox.wix_site import Site
from tests.sandbox.world import World


async def app_instance(site: Site, call: Call, world: World) -> web.Response:
    return web.json_response({"instance": _instance(site), "site": _site(site)})


def _instance(site: Site) -> dict[str, Any]:
    instance = {
        "instanceId": site.instance_id,
        "appName": "Blog generation",
        "appVersion": "^0.9.0",
        "isFree": site.billing is None,
        "permissions": ["SCOPE.DC-BLOG.MANAGE-BLOG"],
        "availablePlans": [],
        "copiedFromTemplate": False,
        "freeTrialAvailable": False,
    }
    if site.billing is not None:
        instance["billing"] = site.billing
    if site.origin_instance_id:
        instance["originInstanceId"] = site.origin_instance_id
    return instance


def _site(site: Site) -> dict[str, Any]:
    stores = [] if site.catalog_version == "STORES_NOT_INSTALLED" else ["stores"]
    document = {
        "siteDisplayName": site.name,
        "locale": site.language,
        "paymentCurrency": site.currency,
        "multilingual": {"isMultiLingual": False, "supportedLanguages": []},
        "description": "",
        "installedWixApps": ["blog", *stores],
        "siteId": str(uuid.uuid5(uuid.NAMESPACE_OID, site.instance_id)),
    }
    # Only once it is published, and only with the scope that lets us read it.
    if site.url:
        document["url"] = site.url
    if site.owner_email:
        document["ownerInfo"] = {"email": site.owner_email, "emailStatus": "VERIFIED"}
    return document


async def site_properties(site: Site, call: Call, world: World) -> web.Response:
    properties = {
        "siteDisplayName": site.name,
        "language": site.language.split("-")[0],
        "paymentCurrency": site.currency,
        "timeZone": "Europe/London",
        "email": site.owner_email,
    }
    return web.json_response({"version": "3", "properties": {**properties, **site.properties}})


ROUTES = [
    ("GET", "/apps/v1/instance", "app_instance", app_instance),
    ("GET", "/site-properties/v4/properties", "site_properties", site_properties),
]
