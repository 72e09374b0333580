"""Notes of staff on blogs and shops."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from blogs.desk.notes import NOTES_SHOWN
from blogs.models import AuditEntry, Note
from tests.support.blogs.desk_pages import blog_page, site_page, visible
from tests.support.factories import failed_generation, site
from tests.support.query_plans import indexes, plan_of, read_whole

pytestmark = pytest.mark.django_db

SCRIPT = "<script>alert(1)</script>"


def note_on_blog(client: Client, blog_id: int, text: str) -> str:
    answer = client.post(f"/admin/blogs/bloggeneration/{blog_id}/note/", {"text": text}, follow=True)
    assert answer.status_code == 200
    return visible(answer.content.decode())


def test_a_note_stands_on_the_blogs_page_and_on_its_shops(desk: Client) -> None:
    blog = failed_generation()

    page = note_on_blog(desk, blog.pk, "The owner calls on Mondays.\nAsk for Vera.")

    assert "The note is written." in page
    for shown in (blog_page(desk, blog.pk), site_page(desk, blog.site_id)):
        assert "The owner calls on Mondays.<br>Ask for Vera." in shown
        assert "<b>ada</b>" in shown
    assert f"on blog {blog.pk}" in visible(site_page(desk, blog.site_id))


def test_a_note_on_a_shop_stands_on_no_blogs_page(desk: Client) -> None:
    blog = failed_generation()

    desk.post(f"/admin/wix/site/{blog.site_id}/note/", {"text": "Pays by invoice."})

    assert "Pays by invoice." in site_page(desk, blog.site_id)
    assert "Pays by invoice." not in blog_page(desk, blog.pk)


def test_it_is_in_the_audit_log_and_in_the_history(desk: Client) -> None:
    blog = failed_generation()

    note_on_blog(desk, blog.pk, "x")

    entry = AuditEntry.objects.get(action="add_note")
    assert (entry.by, entry.blog_id, entry.site_id) == ("ada", blog.pk, blog.site_id)
    assert entry.after == {"note": Note.objects.get().pk}


def test_a_note_is_text_and_the_newest_comes_first(desk: Client) -> None:
    blog = failed_generation()
    note_on_blog(desk, blog.pk, "first")

    note_on_blog(desk, blog.pk, SCRIPT)

    page = blog_page(desk, blog.pk).partition('id="notes"')[2]
    assert SCRIPT not in page
    assert 0 < page.index("&lt;script&gt;alert(1)") < page.index("first")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Write something"),
        (" \n ", "Write something"),
        ("x" * 2_001, "at most 2000 characters"),
        ("a\x00b", "Null"),
    ],
)
def test_what_is_no_note_is_refused_with_the_reason(desk: Client, text: str, said: str) -> None:
    page = note_on_blog(desk, failed_generation().pk, text)

    assert said in page
    assert not Note.objects.exists()


def test_a_double_click_writes_it_once(desk: Client) -> None:
    blog = failed_generation()

    note_on_blog(desk, blog.pk, "x")
    again = note_on_blog(desk, blog.pk, "x")

    assert "it stands there once" in again
    assert Note.objects.count() == 1


def test_of_many_the_last_are_shown(desk: Client) -> None:
    shop = site()
    Note.objects.bulk_create(Note(site_id=shop.pk, text=f"note {n}.", by="ada") for n in range(NOTES_SHOWN + 1))

    page = visible(site_page(desk, shop.pk))

    assert "note 0." not in page
    assert f"These are the last {NOTES_SHOWN}; there are older ones." in page


def test_who_sees_the_page_reads_its_notes(desk: Client, desk_with: Callable[..., Client]) -> None:
    blog = failed_generation()
    note_on_blog(desk, blog.pk, "Calls on Mondays.")

    page = blog_page(desk_with("blogs.view_bloggeneration"), blog.pk)

    assert "Calls on Mondays." in page
    assert "Write the note" not in page


@pytest.mark.parametrize(
    "statement", ["UPDATE blogs_note SET text = 'y'", "DELETE FROM blogs_note", "TRUNCATE blogs_note"]
)
def test_nothing_changes_or_removes_a_note(desk: Client, statement: str) -> None:
    note_on_blog(desk, failed_generation().pk, "x")

    with (
        pytest.raises(IntegrityError, match="never changed or deleted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert Note.objects.get().text == "x"


def test_notes_are_found_by_an_index(desk: Client) -> None:
    blog = failed_generation()
    Note.objects.bulk_create(Note(site_id=n, blog_id=n, text="x", by="ada") for n in range(2_000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE blogs_note")

    of_blog = plan_of(lambda: blog_page(desk, blog.pk), 'FROM "blogs_note"')
    of_site = plan_of(lambda: site_page(desk, blog.site_id), 'FROM "blogs_note"')

    assert (indexes(of_blog), indexes(of_site)) == ({"note_of_blog"}, {"note_of_site"})
    assert read_whole(of_blog + of_site) == set()
