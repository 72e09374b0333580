"""The sidebar names every page by its task, and offers each reader only what they may open."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from blogs.desk import sidebar
from tests.support.blogs.desk_pages import BLOGS, text_of
from tests.support.factories import failed_generation

pytestmark = pytest.mark.django_db


def links(page: str) -> list[tuple[str, str]]:
    """The sidebar's links: address and name."""
    found = re.search(r'<nav id="pages".*?</nav>', page, re.DOTALL)
    assert found
    return re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', found[0])


def test_each_page_of_the_desk_has_its_place() -> None:
    placed = {label for pages in sidebar.PAGES.values() for label in pages}

    assert {model._meta.label_lower for model in admin.site._registry} == placed


def test_each_link_leads_to_a_page(desk: Client) -> None:
    for url, _ in links(text_of(desk, reverse("admin:index"))):
        assert desk.get(url).status_code == 200, url


def test_a_reader_sees_only_what_they_may_open(desk_with: Callable[..., Client]) -> None:
    support = desk_with("blogs.view_bloggeneration", "wix.view_site")

    assert [name for _, name in links(text_of(support, reverse("admin:index")))] == ["Front page", "Blogs", "Sites"]


@pytest.mark.parametrize(("url_name", "marked"), [("admin:index", "Front page"), (BLOGS, "Blogs")])
def test_the_page_that_is_open_is_marked(desk: Client, url_name: str, marked: str) -> None:
    page = text_of(desk, reverse(url_name))

    assert re.findall(r'aria-current="page">([^<]+)</a>', page) == [marked]


def test_a_stranger_sees_no_sidebar(client: Client) -> None:
    assert '<nav id="pages"' not in text_of(client, reverse("admin:login"))


def test_a_phone_finds_each_columns_name_at_its_cells(desk: Client) -> None:
    failed_generation()
    page = text_of(desk, reverse(BLOGS))

    assert 'data-label="Topic" class="field-topic"' in page
    assert 'data-label="Error code" class="field-error_code"' in page
