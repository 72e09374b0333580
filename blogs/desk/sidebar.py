"""The sidebar: the desk's pages in the order of staff's tasks, and of those only the ones that the reader may open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

# Each page by its model, with the name that the sidebar gives it.
PAGES: dict[str, dict[str, str]] = {
    "Work": {"blogs.bloggeneration": "Blogs", "blogs.batch": "Batches"},
    "Shops": {
        "wix.site": "Sites",
        "credits.credit": "Credits",
        "credits.creditaccount": "Accounts",
        "wix.plan": "Plans",
        "blogs.webhookendpoint": "Webhook endpoints",
    },
    "Money": {"workers.spend": "Spend", "workers.price": "Prices"},
    "Machine": {
        "workers.workerprocess": "Workers",
        "workers.ratelimit": "Limits",
        "workers.breaker": "Breakers",
        "wix.webhookdelivery": "Webhooks",
    },
    "Staff": {"auth.user": "Users", "auth.group": "Roles", "blogs.auditentry": "Audit log"},
}
_FRONT = "Front page"
# Where pages stand that are not named above.
_OTHERS = "More"


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of the sidebar."""

    name: str
    url: str
    current: bool


def groups(available_apps: Iterable[dict[str, Any]], path: str) -> list[tuple[str, list[Entry]]]:
    """List the pages by group. `available_apps` is what Django says that the reader may open; `path` is the page that is open."""
    models = [model for app in available_apps for model in app["models"] if model.get("admin_url")]
    urls = {model["model"]._meta.label_lower: model["admin_url"] for model in models}
    front = reverse("admin:index")
    current = max((url for url in urls.values() if path.startswith(url)), key=len, default="")
    found = {
        group: [Entry(name, urls[label], urls[label] == current) for label, name in pages.items() if label in urls]
        for group, pages in PAGES.items()
    }
    found["Work"].insert(0, Entry(_FRONT, front, path == front))
    known = {label for pages in PAGES.values() for label in pages}
    found[_OTHERS] = [
        Entry(str(model["name"]), model["admin_url"], model["admin_url"] == current)
        for model in models
        if model["model"]._meta.label_lower not in known
    ]
    return [(group, entries) for group, entries in found.items() if entries]
