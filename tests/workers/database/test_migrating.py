"""What migrations begin with hurts nothing that runs."""

from __future__ import annotations

import pytest
from django.db import connection, migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from workers.database import migrating

pytestmark = pytest.mark.django_db(transaction=True)

_INDEX = "credit_one_refund_a_blog_ever"


def _ask(sql: str, *values: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()


def test_a_migration_gives_up_soon_and_nothing_after_it() -> None:
    before = _ask("SHOW lock_timeout")
    new = type("Migration", (migrations.Migration,), {"operations": [migrating.give_up_soon()]})

    with connection.schema_editor(atomic=True) as editor:
        new("9999_new", "workers").apply(ProjectState(), editor)
        assert _ask("SHOW lock_timeout") == ("5s",)

    assert _ask("SHOW lock_timeout") == before != ("5s",)


@pytest.mark.parametrize("left", ["an unfinished index", "a finished index", "none"])
def test_refunds_are_kept_single_whatever_an_earlier_try_has_left(left: str) -> None:
    """PostgreSQL keeps the index of a CREATE INDEX CONCURRENTLY that failed, and marks it as not valid."""
    loader = MigrationLoader(connection)
    migration = loader.graph.nodes["credits", "0005_one_refund_a_blog"]
    oid = _ask("SELECT to_regclass(%s)::oid", _INDEX)
    with connection.cursor() as cursor:
        if left == "none":
            cursor.execute(f"DROP INDEX {_INDEX}")
        elif left == "an unfinished index":
            cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)", [_INDEX])

    with connection.schema_editor(atomic=False) as editor:
        migration.apply(loader.project_state(("credits", "0004_refunds")), editor)

    assert _ask("SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = to_regclass(%s)", _INDEX) == (
        True,
        True,
    )
    assert (_ask("SELECT to_regclass(%s)::oid", _INDEX) == oid) == (left == "a finished index")
