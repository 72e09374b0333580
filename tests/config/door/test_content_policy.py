"""No page of ours runs or loads what is not one of our own files, and no page needs to."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.support.blogs.desk_pages import changelists, site_page
from tests.support.blogs.desk_rows import written_generation

pytestmark = pytest.mark.django_db

# What a policy without 'unsafe-inline' forbids: a browser would leave it out.
_INLINE = re.compile(
    r"<style|<script(?![^>]*\bsrc=)(?![^>]*application/json)|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE
)


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    return client


def test_a_page_may_load_its_own_files_alone(browser: Client) -> None:
    policy = browser.get("/admin/").headers["Content-Security-Policy"]

    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "img-src 'self' data: https://static.wixstatic.com;" in policy


@pytest.mark.parametrize("address", ["/health/live", "/api/credits"])
def test_an_answer_that_is_no_page_may_load_nothing(address: str) -> None:
    assert Client().get(address).headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_no_page_of_the_desk_needs_more(browser: Client) -> None:
    blog = written_generation()
    pages = {name: browser.get(reverse(name)).content.decode() for name in changelists()}
    pages |= {address: browser.get(address).content.decode() for address in ("/admin/", "/admin/login/")}
    pages["a site"] = site_page(browser, blog.site_id)
    pages["a blog"] = browser.get(reverse("admin:blogs_bloggeneration_change", args=[blog.pk])).content.decode()

    assert {name: found[0] for name, page in pages.items() if (found := _INLINE.search(page))} == {}
