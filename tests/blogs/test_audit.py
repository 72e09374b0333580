from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from blogs import audit
from blogs.audit import Actor
from blogs.models import AuditEntry
from tests.support.factories import pending_generation, site

pytestmark = pytest.mark.django_db

ADA = Actor("ada", 1, "192.0.2.7")


def test_an_entry_says_who_did_what_to_which_blog_and_why() -> None:
    generation = pending_generation()

    entry = audit.record(ADA, "cancel", generation, before="PENDING", after="cancelled", reason="ticket 7")

    kept = AuditEntry.objects.values().get(pk=entry.pk)
    assert (kept["by"], kept["address"], kept["action"], kept["reason"]) == ("ada", "192.0.2.7", "cancel", "ticket 7")
    assert (kept["blog_id"], kept["site_id"]) == (generation.pk, generation.site_id)


@pytest.mark.parametrize("statement", ["UPDATE blogs_auditentry SET reason = ''", "DELETE FROM blogs_auditentry"])
def test_the_database_refuses_to_change_or_delete_one(statement: str) -> None:
    audit.record(ADA, "pause_line", site())

    with (
        pytest.raises(IntegrityError, match="never changed or deleted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_what_is_too_long_is_cut_and_not_refused() -> None:
    entry = audit.record(Actor("a" * 200), "export", "x" * 500, reason="y" * 500)

    assert [len(text) for text in (entry.by, entry.about, entry.reason)] == [150, 200, 300]
