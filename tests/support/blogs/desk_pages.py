"""Reading and using the admin's pages as a browser would."""

from __future__ import annotations

import html
import re
from typing import Any

from django.contrib import admin
from django.test import Client
from django.urls import reverse

import config.urls  # noqa: F401  it registers all pages

BLOGS = "admin:blogs_bloggeneration_changelist"


def blog_page(client: Client, blog_id: int) -> str:
    return text_of(client, reverse("admin:blogs_bloggeneration_change", args=[blog_id]))


def site_page(client: Client, site_id: int) -> str:
    return text_of(client, reverse("admin:wix_site_change", args=[site_id]))


def text_of(client: Client, url: str, **query: Any) -> str:
    response = client.get(url, query)
    assert response.status_code == 200, f"{url} answered {response.status_code}"
    return response.content.decode()


def ids_listed(client: Client, url_name: str = BLOGS, **query: Any) -> list[int]:
    response = client.get(reverse(url_name), query)
    assert response.status_code == 200
    return [row.pk for row in response.context["cl"].result_list]


def act(client: Client, action: str, *ids: int, url_name: str = BLOGS, query: str = "", **fields: Any) -> str:
    """Run an action on selected rows, and give a reason where it asks. Return the message that staff read afterwards."""
    data = {"action": action, "_selected_action": ids, "index": 0, "confirmed": "1", "reason": "ticket 7", **fields}
    response = client.post(reverse(url_name) + query, data, follow=True)
    assert response.status_code == 200
    return " ".join(str(message) for message in response.context["messages"])


def hidden_key(page: str) -> str:
    """Return the idempotency key in the form for credits."""
    found = re.search(r'name="key" value="([0-9a-f-]{36})"', page)
    assert found
    return found.group(1)


def visible(page: str) -> str:
    shown = re.sub(r"<(style|script)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", shown)).split())


def changelists() -> list[str]:
    models = [model._meta for model in admin.site._registry]
    return [f"admin:{meta.app_label}_{meta.model_name}_changelist" for meta in models]
