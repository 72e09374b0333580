"""All roles see prices and what is spent; Billing and Admin enter prices."""

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.models import Manager

from workers.database import migrating

_SEEN = ("workers.view_price", "workers.view_spend")
_ROLES = {
    "Viewer": _SEEN,
    "Support": _SEEN,
    "Billing": (*_SEEN, "workers.add_price"),
    "Operator": _SEEN,
    "Admin": (*_SEEN, "workers.add_price"),
}


def write(groups: Manager[Any], permissions: Manager[Any]) -> None:
    """Give each role those of these permissions that it lacks."""
    known = {
        f"{each.content_type.app_label}.{each.codename}": each for each in permissions.select_related("content_type")
    }
    for role, names in _ROLES.items():
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(*(known[name] for name in names if name in known))


def write_roles(apps: Any, schema_editor: Any) -> None:
    """Make the permissions first: Django makes them after the last migration only."""
    app = apps.get_app_config("workers")
    app.models_module = True
    create_permissions(app, apps=apps, verbosity=0)
    app.models_module = None
    write(apps.get_model("auth", "Group").objects, apps.get_model("auth", "Permission").objects)


class Migration(migrations.Migration):
    dependencies = [("blogs", "0017_notes"), ("workers", "0012_prices")]

    operations = [
        migrating.give_up_soon(),
        migrations.RunPython(write_roles, migrations.RunPython.noop),
    ]
