"""Reads what a site's owner has entered at Wix under *Business info*.

https://dev.wix.com/docs/api-reference/business-management/site-properties/properties/get-site-properties
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wix.client import http
from wix.client.fields import object_in, text_in


@dataclass(frozen=True, slots=True)
class SiteProperties:
    """Fields that the owner has left out are empty."""

    business_name: str = ""
    site_name: str = ""
    description: str = ""
    time_zone: str = ""


def site_properties(instance_id: str, *, seconds: float) -> SiteProperties:
    """Ask Wix. Raises NotConnected where the app was removed; WixRefused, RateLimited, TransientError."""
    path = "/site-properties/v4/properties"
    answer = http.request(instance_id, "GET", path, operation="site_properties", seconds=seconds, may_be_gone=True)
    return parsed(answer)


def parsed(answer: dict[str, Any]) -> SiteProperties:
    """Read Wix's answer, of which anything may be missing or of another type."""
    found = object_in(answer, "properties")
    return SiteProperties(
        business_name=text_in(found, "businessName").strip(),
        site_name=text_in(found, "siteDisplayName").strip(),
        description=text_in(found, "description").strip(),
        time_zone=text_in(found, "timeZone").strip(),
    )
