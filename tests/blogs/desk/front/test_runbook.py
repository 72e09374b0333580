"""The runbook on the desk: each alert leads to its section, for staff alone."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from blogs.desk.front import runbook, what_to_do
from blogs.operations import alerts
from tests.support.blogs.desk_pages import text_of, visible

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", sorted({name for name, _ in alerts.KINDS}))
def test_each_alert_has_a_first_step_and_a_section(desk: Client, kind: str) -> None:
    page = visible(text_of(desk, f"/admin/runbook/{kind}/"))

    assert what_to_do.FIRST_STEP[kind]
    assert "Means:" in page.replace("Means :", "Means:")
    assert "Look at" in page
    assert "Do" in page


def test_no_step_is_left_for_an_alert_that_is_gone() -> None:
    assert set(what_to_do.FIRST_STEP) == {name for name, _ in alerts.KINDS}


def test_links_lead_to_pages_of_the_desk_and_those_to_other_files_are_words(desk: Client) -> None:
    known = set(runbook.sections())

    for name, (_, text) in runbook.sections().items():
        for target in re.findall(r'href="([^"]*)"', text):
            assert target.startswith("https://") or target.split("/")[3] in known, (name, target)
        assert "style=" not in text
        assert "<script" not in text
    assert "error codes" not in text_of(desk, "/admin/runbook/slow/")
    assert "(in the repository's docs)" in text_of(desk, "/admin/runbook/errors/")


def test_tables_and_commands_are_shown_as_such(desk: Client) -> None:
    assert "<table>" in text_of(desk, "/admin/runbook/provider_down/")
    assert "<pre><code>$ python manage.py check --database default" in text_of(desk, "/admin/runbook/nobody_works/")


@pytest.mark.parametrize("kind", ["nothing", "a-b", "QUEUE_LONG"])
def test_a_section_that_is_not_there_is_a_404(desk: Client, kind: str) -> None:
    assert desk.get(f"/admin/runbook/{kind}/").status_code == 404


def test_strangers_are_led_to_the_login(client: Client) -> None:
    assert client.get("/admin/runbook/slow/").status_code == 302


def test_what_is_no_markdown_is_text() -> None:
    assert runbook._MARKDOWN.render("<script>alert(1)</script>") == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"
