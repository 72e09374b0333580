"""What somebody may type into the address bar gets a page that says so, finds by index, or finds nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import config.urls  # noqa: F401  it registers all pages
from blogs.desk.base import DeskAdmin
from tests.support.factories import failed_generation, site
from tests.support.problems import problem

pytestmark = pytest.mark.django_db

LISTS = [
    f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    for model, desk in admin.site._registry.items()
    if isinstance(desk, DeskAdmin)
]
# PostgreSQL takes no word of more than 2,046 bytes.
LONG = "\U00010348" * 900


@pytest.mark.parametrize("name", LISTS)
def test_the_history_of_no_row_is_not_found(desk: Client, name: str) -> None:
    for key in ("abc", "9" * 40, "é"):
        assert desk.get(f"{reverse(name)}{key}/history/").status_code == 404


@pytest.mark.parametrize("name", LISTS)
def test_no_address_sorts_a_list_by_another_column(desk: Client, name: str) -> None:
    def statements(query: dict[str, Any]) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(reverse(name), query).status_code == 200
        return [each["sql"].rpartition("ORDER BY")[2] for each in queries if "ORDER BY" in each["sql"]]

    as_it_is = statements({})

    for column in range(1, 12):
        assert statements({"o": column}) == as_it_is


# These two look at their addresses themselves.
@pytest.mark.parametrize("name", [name for name in LISTS if "bloggeneration" not in name and "spend" not in name])
def test_a_comparison_that_is_no_filter_is_refused_by_its_name(desk: Client, name: str) -> None:
    for lookup in ("id__regex", "pk__gt", "reason__icontains", "name__endswith", "payload__icontains"):
        answer = problem(desk.get(reverse(name), {lookup: "a"}), 400, "malformed")

        assert lookup in answer["detail"]


@pytest.mark.parametrize("page", ["/admin/search/", "/admin/search/shops/", *map(reverse, LISTS)])
def test_a_search_for_a_very_long_word_finds_nothing(desk: Client, page: str) -> None:
    failed_generation(site(name="Harbour"))

    for text in (LONG, f"{LONG}.example", f"https://{LONG}.example/post/{LONG}", f"wool {LONG}", "a" * 9_000):
        assert desk.get(page, {"q": text}).status_code == 200
