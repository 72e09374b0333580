"""What a page asks every few seconds: the parts that have changed, for its reader's rights, and at little cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from blogs.desk.front import parts
from blogs.models import BlogGeneration
from tests.support.factories import failed_generation, pending_generation, site
from workers.context.process_memory import forget_everything

pytestmark = pytest.mark.django_db

NOW = "/admin/now/"


def asked(client: Client, **marks: str) -> dict[str, Any]:
    forget_everything()
    answer = client.get(NOW, marks)
    assert answer.status_code == 200
    return dict(answer.json()["parts"])


def marks(parts: dict[str, Any]) -> dict[str, str]:
    return {name: part["mark"] for name, part in parts.items()}


def test_a_page_that_knows_nothing_gets_all_parts_as_it_would_by_itself(desk: Client) -> None:
    pending_generation(site(name="Harbour"))
    forget_everything()
    page = desk.get("/admin/").content.decode()

    parts = asked(desk)

    for name, part in parts.items():
        assert f'data-part="{name}"' in page
        if name not in ("pace",):
            assert part["html"].strip()
    assert "Harbour" in parts["shops"]["html"]
    assert parts["shops"]["html"] in page


def test_only_what_has_changed_is_sent(desk: Client) -> None:
    blog = failed_generation()
    BlogGeneration.objects.filter(pk=blog.pk).update(finished_at=timezone.now() - timedelta(days=2))
    known = marks(asked(desk))
    assert "failures" not in asked(desk, **known)

    BlogGeneration.objects.filter(pk=blog.pk).update(finished_at=timezone.now())
    changed = asked(desk, **known)

    assert {"failures", "pace"} <= set(changed)
    assert not {"limits", "providers", "paused"} & set(changed)


def test_readers_with_the_same_rights_share_what_was_read_a_moment_ago(
    desk: Client, desk_with: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = desk_with("blogs.view_bloggeneration")
    asked(desk)
    pending_generation(site(name="Harbour"))

    with CaptureQueriesContext(connection) as queries:
        at_once = desk.get(NOW).json()["parts"]
        other = viewer.get(NOW).json()["parts"]

    assert not [query["sql"] for query in queries if "blog_generations" in query["sql"]]
    assert "Harbour" not in at_once["shops"]["html"]
    assert "Pause all lines" in at_once["plainly"]["html"]
    assert "Pause all lines" not in other["plainly"]["html"]

    later = time.monotonic() + 4
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert "Harbour" in desk.get(NOW).json()["parts"]["shops"]["html"]


def test_while_one_thread_reads_the_others_show_what_was_read_before(desk: Client, admin_user: Any) -> None:
    asked(desk)
    before = parts.lately(admin_user)

    # In this order the thread ends even where it waits for the lock, and the test fails.
    with ThreadPoolExecutor(1) as thread, parts._moment.lock:
        assert thread.submit(parts.lately, admin_user).result(timeout=5) == before


def test_the_page_itself_is_never_a_moment_old(desk: Client) -> None:
    asked(desk)
    pending_generation(site(name="Harbour"))

    assert "Harbour" in desk.get("/admin/").content.decode()


def test_whoever_is_not_signed_in_is_told_where_to(client: Client) -> None:
    answer = client.get(NOW)

    assert (answer.status_code, answer.json()) == (401, {"login": "/admin/login/"})


def test_without_the_right_nothing_is_told(desk_with: Callable[..., Client]) -> None:
    pending_generation(site(name="Harbour"))

    answer = desk_with("blogs.view_batch").get(NOW)

    assert (answer.status_code, answer.json()) == (403, {"needs": "blogs.view_bloggeneration"})


def test_an_open_page_does_not_keep_its_reader_signed_in(desk: Client) -> None:
    session = desk.session
    session["used_at"] = 0
    session.save()

    desk.get(NOW)
    assert desk.session["used_at"] == 0

    desk.get("/admin/")
    assert desk.session["used_at"] > 0


def test_a_null_in_the_address_is_refused_with_a_message(desk: Client) -> None:
    assert desk.get(f"{NOW}?alerts=%00").status_code == 400


@pytest.mark.parametrize("query", ["?nothing=1", "?alerts=" + "x" * 2_000, "?pace=%FF"])
def test_marks_that_make_no_sense_are_other_marks(desk: Client, query: str) -> None:
    assert len(desk.get(f"{NOW}{query}").json()["parts"]) == 11


def test_it_is_read_only_and_never_kept(desk: Client) -> None:
    assert desk.post(NOW).status_code == 405
    assert "no-store" in desk.get(NOW)["Cache-Control"]


def test_no_part_holds_a_style_a_script_or_a_token(desk: Client) -> None:
    failed_generation()
    pending_generation(site(name="<script>alert(1)</script>"))

    for part in asked(desk).values():
        assert "<script" not in part["html"]
        assert "style=" not in part["html"]
        assert "csrf" not in part["html"]
