"""The audit log is found by person, deed, shop, blog and day, goes out as a file, and gives no secrets away."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from blogs import audit
from blogs.audit import Actor
from blogs.models import AuditEntry
from tests.support.blogs.desk_pages import ids_listed, text_of, visible
from tests.support.factories import failed_generation, site
from tests.support.query_plans import indexes, plan_of, read_whole

pytestmark = pytest.mark.django_db

LIST = "admin:blogs_auditentry_changelist"
EXPORT = "/admin/blogs/auditentry/export/"
DAY = timezone.now().date()


@pytest.fixture
def entries(desk: Client) -> dict[str, AuditEntry]:
    """Some entries by name. Signing in has left one too."""
    blog = failed_generation(site(name="Harbour Coffee"))
    return {
        "retry": audit.record(Actor("vera", 7, "10.0.0.9"), "retry", blog, reason="ticket 7"),
        "pause": audit.record(Actor("nils"), "pause_line", blog.site, before=1, after={"to": 2}, reason="=cmd()"),
        "role": audit.record(Actor("vera"), "give_role", "user 3", after="mail ada@shop.example"),
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"by": "vera"}, ["role", "retry"]),
        ({"by": "vera", "action": "retry"}, ["retry"]),
        ({"shop": "harbour"}, ["pause", "retry"]),
        ({"shop": "SITE"}, ["pause", "retry"]),
        ({"blog": "#BLOG"}, ["retry"]),
        ({"since": f"{DAY}", "until": f"{DAY}", "by": "nils"}, ["pause"]),
        ({"until": f"{DAY - timedelta(days=1)}"}, []),
        ({"since": f"{DAY + timedelta(days=1)}"}, []),
    ],
)
def test_entries_are_found_by(desk: Client, entries: Any, query: dict[str, str], found: list[str]) -> None:
    about = entries["retry"]
    asked = {
        name: value.replace("SITE", str(about.site_id)).replace("BLOG", str(about.blog_id))
        for name, value in query.items()
    }

    assert ids_listed(desk, LIST, **asked) == [entries[name].pk for name in found]


def test_filters_in_force_are_chips_and_stay_together(desk: Client, entries: Any) -> None:
    page = text_of(desk, reverse(LIST), by="vera", action="retry")

    assert "who: vera" in visible(page)
    assert 'class="chip" href="?action=retry"' in page
    assert '<input type="hidden" name="by" value="vera">' in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"blog": "x"}, "Blog: a blog's number has digits only."),
        ({"since": "yesterday"}, "From day: write a day as 2026-11-28."),
        ({"until": "2026-02-31"}, "To day: write a day as 2026-11-28."),
        ({"shop": "no such"}, "No shop is called so."),
    ],
)
def test_what_can_not_be_read_gets_a_message_and_finds_nothing(
    desk: Client, entries: Any, query: dict[str, str], said: str
) -> None:
    page = desk.get(reverse(LIST), query)

    assert said in visible(page.content.decode())
    assert not page.context["cl"].result_list
    assert desk.get(f"{EXPORT}csv/", query).status_code == 400


def exported(client: Client, form: str, **query: str) -> str:
    answer = client.get(f"{EXPORT}{form}/", query)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]


def test_what_the_filters_choose_goes_out_as_csv_and_json(desk: Client, entries: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(desk, "csv", by="nils"))))
    assert [(row["id"], row["action"], row["after"]) for row in rows] == [
        (str(entries["pause"].pk), "pause_line", '{"to": 2}')
    ]
    assert rows[0]["reason"] == "'=cmd()"

    objects = json.loads(exported(desk, "json", by="nils"))
    assert [(each["id"], each["after"], each["reason"]) for each in objects] == [
        (entries["pause"].pk, {"to": 2}, "=cmd()")
    ]


def test_an_export_masks_what_the_page_masks(desk: Client, entries: Any) -> None:
    assert "ada@shop.example" not in exported(desk, "csv") + exported(desk, "json")
    (entry,) = json.loads(exported(desk, "json", action="give_role"))
    assert (entry["by"], entry["after"]) == ("vera", "mail a•••@shop.example")


def test_a_message_of_another_page_does_not_refuse_an_export(desk: Client, entries: Any) -> None:
    desk.post(f"/admin/wix/site/{entries['retry'].site_id}/note/", {"text": "Calls on Mondays."})

    assert exported(desk, "csv", by="nils")


def test_an_export_is_an_entry_too(desk: Client, entries: Any) -> None:
    exported(desk, "csv", by="nils")

    entry = AuditEntry.objects.get(action="export")
    assert (entry.by, entry.about, entry.after) == ("ada", "audit log as csv", {"by": "nils"})


def test_who_may_read_it_may_not_export_it_without_the_right(desk_with: Callable[..., Client]) -> None:
    reader = desk_with("blogs.view_auditentry")

    answer = reader.get(f"{EXPORT}csv/")

    assert answer.status_code == 403
    assert "blogs.export_audit" in answer.content.decode()
    assert "Export all of these" not in text_of(reader, reverse(LIST))


def test_another_form_is_not_found(desk: Client) -> None:
    assert desk.get(f"{EXPORT}xml/").status_code == 404


def test_changes_are_readable_and_mail_addresses_masked(desk: Client, entries: Any) -> None:
    page = visible(text_of(desk, reverse(LIST)))

    assert "1 → to: 2" in page
    assert "ada@shop.example" not in page


def test_addresses_of_colleagues_are_for_who_may_read_the_log(desk: Client, desk_with: Any, entries: Any) -> None:
    history = f"/admin/blogs/bloggeneration/{entries['retry'].blog_id}/history/"

    assert "10.0.0.9" in text_of(desk, history)
    viewer = text_of(desk_with("blogs.view_bloggeneration"), history)
    assert "10.0.0.9" not in viewer
    assert "ticket 7" in viewer


_THOUSANDS = """
INSERT INTO blogs_auditentry (action, by, address, about, site_id, blog_id, reason, created_at)
SELECT CASE WHEN n % 5000 = 0 THEN 'rare' ELSE 'a' || n % 40 END,
       CASE WHEN n % 5000 = 0 THEN 'rare' ELSE 'c' || n % 40 END,
       '', 'x', n % 300, n, '', statement_timestamp() - n * interval '1 minute'
  FROM generate_series(1, 20000) AS n
"""


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({"by": "rare"}, "audit_by"),
        ({"action": "rare"}, "audit_action"),
        ({"shop": "7"}, "audit_of_site"),
        ({"blog": "7"}, "audit_of_blog"),
        ({"since": f"{DAY - timedelta(days=9)}", "until": f"{DAY - timedelta(days=9)}"}, "audit_at"),
    ],
)
def test_each_filter_has_an_index(desk: Client, query: dict[str, str], index: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_THOUSANDS)
        cursor.execute("ANALYZE blogs_auditentry")

    plan = plan_of(lambda: text_of(desk, reverse(LIST), **query), 'ORDER BY "blogs_auditentry"')

    assert indexes(plan) == {index}
    assert read_whole(plan) == set()
