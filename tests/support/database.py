"""The tests' own database: where it is, and how its tables are emptied in a fraction of Django's time."""

from __future__ import annotations

from urllib.parse import quote

from django.db import connection
from django.test import TransactionTestCase

# What the migrations have filled, and no test changes.
_KEPT = {"django_content_type", "auth_permission", "django_migrations"}
# What has been deleted from still has to be stepped over, until a vacuum comes by.
_LARGE_BYTES = 512 * 1024
_TABLES = """
SELECT relname, pg_relation_size(oid) > %s FROM pg_class
 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def database_url(port: int | str | None = None) -> str:
    """Return its URL, for other processes and for connections outside Django. Another port is that of a pooler in front of it."""
    at = connection.settings_dict
    return f"postgres://{quote(at['USER'])}:{quote(at['PASSWORD'])}@{at['HOST']}:{port or at['PORT']}/{at['NAME']}"


def empty_quickly() -> None:
    """Replace Django's flush, which makes all permissions again: that takes twice as long as most tests."""
    TransactionTestCase._fixture_teardown = _empty_all_but_permissions  # type: ignore[attr-defined]


def _empty_all_but_permissions(test: TransactionTestCase) -> None:
    """TRUNCATE writes new files for each of forty tables, and takes longer than most tests; to DELETE the few rows of a test
    takes a fifth of it. Without triggers, or the ledger would refuse."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [_LARGE_BYTES])
        tables = {name: large for name, large in cursor.fetchall() if name not in _KEPT}
        names = list(map(connection.ops.quote_name, sorted(tables)))
        if any(tables.values()):
            cursor.execute(f"SET LOCAL session_replication_role = replica; TRUNCATE {', '.join(names)}")
        else:
            deletes = "".join(f"DELETE FROM {name};" for name in names)
            cursor.execute(f"SET LOCAL session_replication_role = replica; {deletes}")
