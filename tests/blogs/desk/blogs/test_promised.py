"""A blog's page says what its shop was promised, and what came of it."""

from __future__ import annotations

import pytest
from django.test import Client

from blogs.models import Promise
from tests.support import factories

pytestmark = pytest.mark.django_db


def test_its_page_says_what_was_promised_and_what_came_of_it(desk: Client) -> None:
    blog = factories.done_generation()
    told = {"start_early": blog.created_at, "start_late": blog.created_at}
    Promise.objects.create(generation=blog, **told, end_early=blog.created_at, end_late=blog.created_at)

    page = desk.get(f"/admin/blogs/bloggeneration/{blog.pk}/change/").content.decode()

    assert "Promised to begin" in page
    assert ", ended " in page


def test_a_blog_without_a_promise_says_nothing_of_it(desk: Client) -> None:
    page = desk.get(f"/admin/blogs/bloggeneration/{factories.done_generation().pk}/change/").content.decode()

    assert "Promised" not in page
