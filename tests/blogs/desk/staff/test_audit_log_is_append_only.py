"""The database itself keeps the audit log: no statement of ours, or of a colleague at psql, changes an entry."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from blogs import audit
from blogs.audit import Actor
from blogs.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE blogs_auditentry SET reason = 'another'",
        "DELETE FROM blogs_auditentry",
        "TRUNCATE blogs_auditentry",
        "TRUNCATE blogs_auditentry CASCADE",
        "INSERT INTO blogs_auditentry (id, action, by, address, about, reason) SELECT id, 'x', '', '', '', '' FROM blogs_auditentry"
        " ON CONFLICT (id) DO UPDATE SET reason = 'another'",
    ],
    ids=["update", "delete", "truncate", "cascade", "upsert"],
)
def test_an_entry_is_never_changed_or_removed(statement: str) -> None:
    entry = audit.record(Actor("ada"), "retry", "blog 7", reason="ticket 7")

    with (
        pytest.raises(IntegrityError, match="never changed or deleted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert AuditEntry.objects.get(pk=entry.pk).reason == "ticket 7"
