"""`manage.py after_restore`: what it does to a copy, and what it leaves alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.management import CommandError
from django.db import connection
from django.db.models import F

from blogs.models import BlogGeneration, DraftSearch, Status
from blogs.operations import proof
from blogs.restore import copies
from tests.support import factories
from tests.support.blogs.restored import after_restore, as_a_copy
from tests.support.database import database_url
from tests.support.threads import wait_until
from wix.models import AccessToken, Catalogue, Subscription, WebhookDelivery
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.models import Breaker, BreakerFailure, Installation, RateLimit, WorkerProcess

pytestmark = pytest.mark.django_db(transaction=True)


def _long_ago() -> None:
    """Let all signs of life be an hour old."""
    with connection.cursor() as cursor:
        for table, column in (
            ("workers_installation", "renewed_at"),
            ("workers_workerprocess", "heartbeat_at"),
            ("blogs_generationevent", "created_at"),
        ):
            cursor.execute(f"UPDATE {table} SET {column} = {column} - interval '1 hour'")


def test_it_changes_nothing_where_the_database_is_no_copy() -> None:
    blog = factories.processing_generation()
    copies.require_settled()

    said = after_restore("--original-is-stopped")

    blog.refresh_from_db()
    assert "nothing was changed" in said
    assert (blog.status, blog.draft_search_since) == (Status.PROCESSING, None)


def test_it_asks_whether_the_original_is_stopped_however_old_its_last_sign_is() -> None:
    blog = factories.pending_generation()
    as_a_copy()

    with pytest.raises(CommandError, match=r"seconds ago.*--original-is-stopped"):
        after_restore()
    _long_ago()
    with pytest.raises(CommandError, match="--original-is-stopped"):
        after_restore()
    blog.refresh_from_db()
    assert blog.draft_search_since is None
    after_restore("--original-is-stopped")

    blog.refresh_from_db()
    assert blog.draft_search_since
    assert copies.problem() == ""


def test_what_isnt_done_is_marked_from_when_the_data_are_complete() -> None:
    shop = factories.site()
    blogs = {
        "done": factories.done_generation(shop),
        "failed": factories.failed_generation(shop),
        "running": factories.processing_generation(shop),
        "pending": factories.pending_generation(shop),
    }
    as_a_copy()
    complete = Installation.objects.get().renewed_at

    said = after_restore("--original-is-stopped")

    for blog in blogs.values():
        blog.refresh_from_db()
    since = {name: blog.draft_search_since for name, blog in blogs.items()}
    assert since == {"done": None, "failed": complete, "running": complete, "pending": complete}
    assert DraftSearch.objects.get().site_id == shop.pk
    assert "3 blogs look for their drafts at Wix first, on 1 sites" in said
    # Its lease is over, and costs it neither an attempt nor a rescue.
    running = blogs["running"]
    assert (running.status, running.attempts, running.rescues, running.ready) == (Status.PENDING, 0, 0, True)
    assert proof.discrepancies() == []


def test_twice_is_as_good_as_once() -> None:
    blog = factories.pending_generation()
    as_a_copy()
    after_restore("--original-is-stopped")
    first = BlogGeneration.objects.values().get()

    said = after_restore("--original-is-stopped")

    assert "nothing was changed" in said
    assert BlogGeneration.objects.values().get(pk=blog.pk) == first


def test_an_older_mark_and_an_older_create_keep_their_time() -> None:
    before = datetime(2026, 1, 1, tzinfo=UTC)
    marked, begun = factories.pending_generation(), factories.pending_generation()
    BlogGeneration.objects.filter(pk=marked.pk).update(draft_search_since=before)
    BlogGeneration.objects.filter(pk=begun.pk).update(draft_create_started_at=before)
    as_a_copy()

    after_restore("--original-is-stopped")

    assert set(BlogGeneration.objects.values_list("draft_search_since", flat=True)) == {before}
    assert set(DraftSearch.objects.values_list("since", flat=True)) == {before}


def test_numbers_jump_further_the_older_the_backup_is() -> None:
    first = factories.pending_generation()
    as_a_copy()
    _long_ago()

    after_restore("--original-is-stopped")

    later = factories.pending_generation()
    assert later.pk >= first.pk + 100 * 3_600
    assert later.site_id >= first.site_id + 100 * 3_600
    assert factories.WorkerFactory.create().pk >= 100 * 3_600


def test_what_the_original_knew_of_the_moment_is_forgotten() -> None:
    worker = factories.WorkerFactory.create()
    RateLimit.objects.create(provider="openai", requests_per_minute=450, blocked_until=seconds_from_now(600))
    Breaker.objects.create(provider="openai", opened_at=datetime.now(UTC))
    Breaker.objects.create(provider="replicate", opened_at=datetime.now(UTC), held_by="ada")
    BreakerFailure.objects.create(provider="openai", party=1, work=1)
    AccessToken.objects.create(instance_id=uuid.uuid4(), sealed="x", expires_at=datetime.now(UTC))
    Session.objects.create(session_key="k", session_data="", expire_date=datetime.now(UTC))
    as_a_copy()

    after_restore("--original-is-stopped")

    assert not WorkerProcess.objects.filter(pk=worker.pk).exists()
    assert [breaker.provider for breaker in Breaker.objects.all()] == ["replicate"]
    for forgotten in (RateLimit, BreakerFailure, AccessToken, Session):
        assert not forgotten.objects.exists()


def test_what_wix_told_the_original_is_asked_for_again() -> None:
    free, removed = factories.site(), factories.site(removed_at=datetime.now(UTC))
    waiting = WebhookDelivery.objects.create(
        digest="a", event_type="AppInstalled", data={}, due_at=seconds_from_now(300)
    )
    handled = WebhookDelivery.objects.create(digest="b", event_type="AppInstalled", data={}, due_at=None)
    catalog = Catalogue.objects.create(instance_id=free.instance_id, read_at=ClockTimestamp())
    as_a_copy()

    after_restore("--original-is-stopped")

    for row in (waiting, handled, catalog):
        row.refresh_from_db()
    assert waiting.due_at
    assert waiting.due_at < datetime.now(UTC)
    assert handled.due_at is None
    assert catalog.wanted_at
    assert Catalogue.objects.filter(wanted_at__gt=F("read_at")).exists()
    due = Subscription.objects.filter(next_grant_at__lte=ClockTimestamp())
    assert [subscription.site_id for subscription in due] == [free.pk]
    assert removed.pk != free.pk


def test_a_copy_that_cannot_be_told_is_settled_when_the_operator_says_so() -> None:
    blog = factories.pending_generation()
    copies.require_settled()

    after_restore("--undetected", "--original-is-stopped")

    blog.refresh_from_db()
    assert blog.draft_search_since


def test_a_backup_from_before_there_was_a_row_has_its_newest_event() -> None:
    blog = factories.pending_generation()
    newest = blog.events.get().created_at

    after_restore("--undetected", "--original-is-stopped")

    blog.refresh_from_db()
    assert blog.draft_search_since == newest
    assert copies.problem() == ""


@pytest.mark.slow_process
def test_killed_in_the_middle_it_has_changed_nothing_that_matters_and_is_repeated(tmp_path: Any) -> None:
    running, waiting = factories.processing_generation(), factories.pending_generation()
    Subscription.objects.create(site=waiting.site)
    as_a_copy()
    with _locked("wix_subscription"):
        process = _after_restore_in_a_process()
        wait_until(lambda: _waits_for_a_lock(), seconds=60)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    wait_until(lambda: not _waits_for_a_lock())

    assert copies.problem()
    assert not BlogGeneration.objects.filter(draft_search_since__isnull=False).exists()
    after_restore("--original-is-stopped")

    assert copies.problem() == ""
    assert BlogGeneration.objects.filter(draft_search_since__isnull=False, status=Status.PENDING).count() == 2
    running.refresh_from_db()
    assert running.rescues == 0
    assert proof.discrepancies() == []


@contextmanager
def _locked(table: str) -> Iterator[None]:
    """Hold a table, from a connection of its own, so that the command stands still at its last step but one."""
    with closing(psycopg2.connect(database_url())) as other:
        other.cursor().execute(f"LOCK TABLE {table}")
        yield


def _after_restore_in_a_process() -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DATABASE_DIRECT_URL": "",
        "READ_DOTENV": "false",
        "DEBUG": "true",
        "PROCESS_NAME": "after-restore",
        "WIX_APP_ID": django_settings.WIX_APP_ID,
        "WIX_APP_SECRET": django_settings.WIX_APP_SECRET,
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "after_restore", "--original-is-stopped"],
        cwd=django_settings.BASE_DIR,
        env=environment,
    )


def _waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'after-restore' AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])
