"""The groups of staff, as migrations make them."""

from __future__ import annotations

from importlib import import_module

from django.contrib.auth.models import Group, Permission

_0014 = import_module("blogs.migrations.0014_audit_and_roles")
_LATER = (
    import_module("blogs.migrations.0017_notes"),
    import_module("blogs.migrations.0018_roles_of_money"),
    import_module("blogs.migrations.0023_webhook_endpoints"),
    import_module("blogs.migrations.0024_site_profiles"),
)


def write() -> None:
    """Write them again, after a test that emptied all tables. A later migration that changes them belongs here too."""
    for migration in (_0014, *_LATER):
        migration.write(Group.objects, Permission.objects)


def carry_over() -> None:
    _0014.carry_over(Permission.objects)
