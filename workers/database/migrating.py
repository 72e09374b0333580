"""What migrations begin with, so that they hurt nothing that runs: for the migrations of all rooms."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, migrations, transaction


def give_up_soon() -> migrations.RunSQL:
    """Return the first operation of each atomic migration: its later ones wait at most five seconds for a lock.

    Behind a dump, which reads every table for minutes, an ALTER TABLE would wait, and each query of that table behind it.
    To migrate again costs less.
    """
    return migrations.RunSQL("SET LOCAL lock_timeout = '5s'", migrations.RunSQL.noop)


def drop_unfinished_index(name: str) -> migrations.RunPython:
    """Return the operation before CREATE INDEX CONCURRENTLY IF NOT EXISTS: it drops what a try that failed has left.

    Such an index has the name, and keeps nothing unique. For migrations that are not atomic.
    """

    def drop(apps: Any, schema_editor: Any) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid", [name])
            if cursor.fetchone() is not None:
                cursor.execute(f"DROP INDEX CONCURRENTLY {schema_editor.quote_name(name)}")

    return migrations.RunPython(drop, migrations.RunPython.noop)


def create_extension(name: str) -> migrations.RunPython:
    """Return the operation that creates an extension of PostgreSQL's own contrib modules, where it is not there yet.

    These are trusted since PostgreSQL 13: the owner of the database may create them. A failure says what to do.
    """

    def create(apps: Any, schema_editor: Any) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_extension WHERE extname = %s", [name])
            if cursor.fetchone() is not None:
                return
            try:
                with transaction.atomic(schema_editor.connection.alias):
                    cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {schema_editor.quote_name(name)}")
            except DatabaseError as error:
                raise RuntimeError(
                    f"The extension {name} can't be created: {error}. Install PostgreSQL's contrib modules (Debian: the package"
                    f" postgresql-contrib or postgresql-NN), or have a superuser run CREATE EXTENSION {name} in this database;"
                    " then migrate again."
                ) from error

    return migrations.RunPython(create, migrations.RunPython.noop)
