"""Migrations are safe while the code before them still runs: what docs/upgrading.md asks of each is looked for in its operations.

django-migration-linter asks much of the same of the SQL. It cannot know which of our tables are large, and it wants to be an
installed app.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models.fields import NOT_PROVIDED

from tests.support.source_code import ROOMS
from workers.database import migrating

# Where building an index would keep writers out for long.
LARGE = {
    "blogs.article",
    "blogs.auditentry",
    "blogs.batchitem",
    "blogs.bloggeneration",
    "blogs.blogwords",
    "blogs.generationevent",
    "blogs.requestdetails",
    "blogs.stageoutput",
    "credits.credit",
    "wix.catalogueproduct",
    "wix.webhookdelivery",
    "workers.breakerfailure",
    "workers.providercall",
    "workers.ratelimitusage",
}
# The last migration of each room that was released before they had to give up soon, and to leave nothing in their own way.
_WAITED = {
    "blogs": "0011_failed_of_site",
    "credits": "0002_append_only",
    "wix": "0004_help_texts",
    "workers": "0008_refusal_signs",
}
_REMOVE = (migrations.RemoveField, migrations.DeleteModel, migrations.RenameModel, migrations.AlterModelTable)


def faults(migration: Any, state: ProjectState) -> Iterator[str]:
    """Name what the code before this migration would not survive. `state` is that before it, and is moved on."""
    made = {op.name.lower() for op in migration.operations if isinstance(op, migrations.CreateModel)}
    for operation in migration.operations:
        database = getattr(operation, "database_operations", None)
        for each in [operation] if database is None else database:
            if getattr(each, "model_name", "").lower() not in made:
                yield from _faults(each, migration.app_label, state)
        operation.state_forwards(migration.app_label, state)


def _faults(operation: Any, room: str, state: ProjectState) -> Iterator[str]:
    said = operation.describe()
    model = f"{room}.{getattr(operation, 'model_name', '')}".lower()
    if isinstance(operation, _REMOVE):
        yield f"{said}: the old code still reads it; remove it one release after the code has stopped"
    elif isinstance(operation, migrations.RenameField):
        new = state.models[room, operation.model_name_lower].fields[operation.old_name]
        if not new.db_column:
            yield f"{said}: the old code reads the column by its old name; keep it (db_column)"
    elif isinstance(operation, migrations.AddField):
        yield from _added(said, operation.field)
        if model in LARGE and _is_indexed(operation.field):
            yield f"{said}: it builds an index on a large table; build it with AddIndexConcurrently"
    elif isinstance(operation, migrations.AlterField):
        before = state.models[room, operation.model_name_lower].fields[operation.name]
        if before.null and not operation.field.null and operation.field.db_default is NOT_PROVIDED:
            yield f"{said}: the old code may still store NULL; give it a db_default"
        if model in LARGE and _is_indexed(operation.field) and not _is_indexed(before):
            yield f"{said}: it builds an index on a large table; build it with AddIndexConcurrently"
    elif isinstance(operation, migrations.AddIndex) and not isinstance(operation, AddIndexConcurrently):
        if model in LARGE:
            yield f"{said}: writers of a large table wait for it; use AddIndexConcurrently"
    elif isinstance(operation, migrations.AddConstraint) and isinstance(operation.constraint, models.UniqueConstraint):
        if model in LARGE:
            yield f"{said}: writers of a large table wait for its index; build that concurrently, then add USING INDEX"
    elif isinstance(operation, migrations.RunSQL):
        yield from _sql(said, str(operation.sql).upper())


def _added(said: str, field: Any) -> Iterator[str]:
    if not field.many_to_many and not field.null and field.db_default is NOT_PROVIDED:
        yield f"{said}: the old code's INSERT gives it no value; make it null, or give it a db_default"


def _is_indexed(field: Any) -> bool:
    return bool(field.db_index or field.unique)


def _sql(said: str, sql: str) -> Iterator[str]:
    for words, why in {
        "DROP COLUMN": "the old code still reads it",
        "DROP TABLE": "the old code still reads it",
        "RENAME ": "the old code knows the old name",
        "SET NOT NULL": "the old code may still store NULL",
    }.items():
        if words in sql:
            yield f"{said}: {why}"
    if ("CREATE INDEX" in sql or "CREATE UNIQUE INDEX" in sql) and "CONCURRENTLY" not in sql:
        yield f"{said}: writers wait for it; CREATE INDEX CONCURRENTLY"


def lock_faults(migration: Any) -> Iterator[str]:
    """Name what would wait for a lock however long it takes, while all queries of the table wait behind it."""
    if migration.atomic:
        if not _gives_up_soon(migration.operations[0]):
            yield "its first operation is not migrating.give_up_soon()"
        return
    for operation in migration.operations:
        for each in getattr(operation, "database_operations", [operation]):
            if not _keeps_none_out(each):
                yield f"{each.describe()}: it may keep queries out; move it to an atomic migration"


def _gives_up_soon(operation: Any) -> bool:
    return isinstance(operation, migrations.RunSQL) and operation.sql == migrating.give_up_soon().sql


def _keeps_none_out(operation: Any) -> bool:
    """Tell whether it waits without a lock that others wait for. lock_timeout would only cut it short."""
    if isinstance(operation, migrations.RunSQL):
        return " CONCURRENTLY " in str(operation.sql).upper()
    concurrent = (AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint, migrations.RunPython)
    return isinstance(operation, concurrent)


def retry_faults(migration: Any) -> Iterator[str]:
    """Name indexes that would be in their own way when `migrate` runs again after a try that was interrupted."""
    dropped: set[str] = set()
    for operation in migration.operations:
        if _drops_unfinished(operation):
            dropped.add(inspect.getclosurevars(operation.code).nonlocals["name"])
        elif isinstance(operation, AddIndexConcurrently) and operation.index.name not in dropped:
            yield f"{operation.describe()}: begin with migrating.drop_unfinished_index"


def _drops_unfinished(operation: Any) -> bool:
    known: Any = migrating.drop_unfinished_index("any")
    return (
        isinstance(operation, migrations.RunPython) and getattr(operation.code, "__code__", None) is known.code.__code__
    )


def _all() -> Iterator[tuple[str, list[str]]]:
    loader = MigrationLoader(None)
    state = ProjectState()
    for key in loader.graph._generate_plan(loader.graph.leaf_nodes(), at_end=True):
        migration = loader.graph.nodes[key]
        if key[0] in ROOMS and not migration.initial:
            yield f"{key[0]}.{key[1]}", list(faults(migration, state))
        else:
            state = migration.mutate_state(state, preserve=False)


def test_each_migration_is_safe_while_the_code_before_it_runs() -> None:
    looked_at = dict(_all())

    assert len(looked_at) > 30
    assert {name: said for name, said in looked_at.items() if said} == {}


def test_each_migration_gives_up_soon_where_it_does_not_get_a_lock() -> None:
    nodes = MigrationLoader(None).graph.nodes
    looked_at = {
        key: list(lock_faults(each)) for key, each in nodes.items() if key[0] in ROOMS and key[1] > _WAITED[key[0]]
    }

    assert len(looked_at) >= 10
    assert {key: said for key, said in looked_at.items() if said} == {}


def test_each_index_that_is_built_beside_others_can_be_built_again_after_a_try_that_failed() -> None:
    nodes = MigrationLoader(None).graph.nodes
    new = {key: each for key, each in nodes.items() if key[0] in ROOMS and key[1] > _WAITED[key[0]]}

    assert sum(isinstance(op, AddIndexConcurrently) for each in new.values() for op in each.operations) >= 4
    assert {key: said for key, each in new.items() if (said := list(retry_faults(each)))} == {}


def test_the_large_tables_are_there() -> None:
    assert {model._meta.label_lower for model in apps.get_models()} >= LARGE


_TEXT: dict[str, Any] = {"max_length": 10}
_FAULTY: dict[str, Any] = {
    "drops a column": migrations.RemoveField("bloggeneration", "tone"),
    "drops a table": migrations.DeleteModel("Article"),
    "renames a column": migrations.RenameField("bloggeneration", "tone", "mood"),
    "renames a table": migrations.RenameModel("Article", "Text"),
    "adds a column that must have a value": migrations.AddField("siteline", "mood", models.CharField(**_TEXT)),
    "whose default only Python knows": migrations.AddField("siteline", "mood", models.CharField(**_TEXT, default="x")),
    "lets a column be empty no more": migrations.AlterField("bloggeneration", "run_after", models.DateTimeField()),
    "builds an index on a large table": migrations.AddIndex(
        "bloggeneration", models.Index(fields=["tone"], name="blog_by_tone")
    ),
    "by a field": migrations.AddField("bloggeneration", "mood", models.CharField(**_TEXT, null=True, db_index=True)),
    "by a change of a field": migrations.AlterField("bloggeneration", "tone", models.CharField(**_TEXT, unique=True)),
    "by a constraint": migrations.AddConstraint(
        "bloggeneration", models.UniqueConstraint(fields=["tone"], name="one_tone")
    ),
    "by SQL": migrations.RunSQL("CREATE INDEX blog_by_tone ON blog_generations (tone)"),
    "drops a column by SQL": migrations.RunSQL("ALTER TABLE blog_generations DROP COLUMN tone"),
    "does so beside the state": migrations.SeparateDatabaseAndState(
        database_operations=[migrations.RemoveField("bloggeneration", "tone")]
    ),
}
_SAFE: dict[str, Any] = {
    "adds a column that may be empty": migrations.AddField("bloggeneration", "mood", models.TextField(null=True)),
    "one with a default in the database": migrations.AddField(
        "bloggeneration", "mood", models.TextField(db_default="")
    ),
    "an index that keeps no writer out": AddIndexConcurrently(
        "bloggeneration", models.Index(fields=["tone"], name="blog_by_tone")
    ),
    "forgets a field and keeps its column": migrations.SeparateDatabaseAndState(
        state_operations=[migrations.RemoveField("bloggeneration", "tone")]
    ),
    "an index on a small table": migrations.AddIndex("siteline", models.Index(fields=["turn"], name="line_by_turn")),
}


@pytest.mark.parametrize("operation", _FAULTY.values(), ids=list(_FAULTY))
def test_one_that_hurts_the_old_code_is_found(operation: Any) -> None:
    assert len(_found(operation)) == 1


@pytest.mark.parametrize("operation", _SAFE.values(), ids=list(_SAFE))
def test_one_that_does_not_passes(operation: Any) -> None:
    assert _found(operation) == []


def _found(operation: Any) -> list[str]:
    new = type("Migration", (migrations.Migration,), {"operations": [operation]})
    return list(faults(new("9999_new", "blogs"), MigrationLoader(None).project_state()))


_ADDED = migrations.AddField("bloggeneration", "mood", models.TextField(null=True))
_BUILT = AddIndexConcurrently("bloggeneration", models.Index(fields=["tone"], name="blog_by_tone"))


@pytest.mark.parametrize(
    ("atomic", "operations", "faults"),
    [
        (True, [_ADDED], 1),
        (True, [_ADDED, migrating.give_up_soon()], 1),
        (True, [migrations.RunSQL("SET LOCAL statement_timeout = '5s'"), _ADDED], 1),
        (True, [migrating.give_up_soon(), _ADDED], 0),
        (False, [migrating.give_up_soon(), _ADDED], 2),
        (False, [migrations.SeparateDatabaseAndState([_ADDED])], 1),
        (False, [_BUILT, migrations.SeparateDatabaseAndState([], [_ADDED])], 0),
        (False, [migrations.RunSQL("CREATE INDEX CONCURRENTLY blog_by_tone ON blog_generations (tone)")], 0),
    ],
)
def test_one_that_would_wait_for_a_lock_is_found(atomic: bool, operations: list[Any], faults: int) -> None:
    new = type("Migration", (migrations.Migration,), {"atomic": atomic, "operations": operations})

    assert len(list(lock_faults(new("9999_new", "blogs")))) == faults
