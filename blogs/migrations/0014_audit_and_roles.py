"""The audit log is append-only, which the database itself sees to, and staff have roles."""

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.models import Manager

from workers.database import migrating

_VIEWER = (
    "blogs.view_article",
    "blogs.view_batch",
    "blogs.view_bloggeneration",
    "blogs.view_siteline",
    "credits.view_credit",
    "credits.view_creditaccount",
    "wix.view_catalogue",
    "wix.view_plan",
    "wix.view_site",
    "wix.view_webhookdelivery",
    "workers.view_breaker",
    "workers.view_ratelimit",
    "workers.view_workerprocess",
)
_SUPPORT = (
    *_VIEWER,
    "blogs.retry_blogs",
    "blogs.cancel_blogs",
    "blogs.steer_blogs",
    "blogs.publish_blogs",
    "blogs.export_blogs",
    "wix.change_site",
    "wix.change_webhookdelivery",
)
_BILLING = (
    *_VIEWER,
    "blogs.export_blogs",
    "blogs.refund_blogs",
    "credits.grant_credits",
    "wix.add_plan",
    "wix.change_plan",
)
_OPERATOR = (
    *_SUPPORT,
    "blogs.pause_lines",
    "blogs.view_auditentry",
    "blogs.weigh_lines",
    "wix.add_apikey",
    "wix.change_apikey",
    "wix.view_apikey",
    "workers.change_breaker",
)
_ADMIN = (
    *_OPERATOR,
    *_BILLING,
    "auth.view_group",
    "auth.view_user",
    "blogs.give_roles",
    "credits.grant_many_credits",
    "credits.put_in_debt",
)

_ROLES = {
    "Viewer": _VIEWER,
    "Support": _SUPPORT,
    "Billing": _BILLING,
    "Operator": _OPERATOR,
    "Admin": _ADMIN,
}
# The permissions that allowed these things before there were roles. Their holders keep what they allowed.
_BEFORE_ROLES = {
    "blogs.change_bloggeneration": ("blogs.retry_blogs", "blogs.cancel_blogs", "blogs.steer_blogs"),
    "wix.change_site": ("blogs.pause_lines", "blogs.weigh_lines"),
    "credits.add_credit": ("credits.grant_credits", "credits.grant_many_credits", "credits.put_in_debt"),
}


def write(groups: Manager[Any], permissions: Manager[Any]) -> None:
    """Give each role those of its permissions that it lacks and that exist by now; take none away."""
    known = _by_name(permissions)
    for role, names in _ROLES.items():
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(*(known[name] for name in names if name in known))


def carry_over(permissions: Manager[Any]) -> None:
    """Give the finer permissions to all users and groups that hold the one before them."""
    known = _by_name(permissions)
    for before, names in _BEFORE_ROLES.items():
        if before in known:
            finer = [known[name] for name in names if name in known]
            for user in known[before].user_set.all():
                user.user_permissions.add(*finer)
            for group in known[before].group_set.all():
                group.permissions.add(*finer)


def _by_name(permissions: Manager[Any]) -> dict[str, Any]:
    return {
        f"{each.content_type.app_label}.{each.codename}": each for each in permissions.select_related("content_type")
    }


def write_roles(apps: Any, schema_editor: Any) -> None:
    """Make the permissions first: Django makes them after the last migration only."""
    for app in apps.get_app_configs():
        app.models_module = True
        create_permissions(app, apps=apps, verbosity=0)
        app.models_module = None
    permissions = apps.get_model("auth", "Permission").objects
    carry_over(permissions)
    write(apps.get_model("auth", "Group").objects, permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("blogs", "0013_staff"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("credits", "0003_permissions"),
        ("wix", "0004_help_texts"),
        ("workers", "0010_operations"),
    ]

    operations = [
        migrating.give_up_soon(),
        migrations.RunSQL(
            """
            CREATE FUNCTION blogs_refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'entries of the audit log are never changed or deleted'
                    USING ERRCODE = 'integrity_constraint_violation';
            END $$;
            CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON blogs_auditentry
                FOR EACH ROW EXECUTE FUNCTION blogs_refuse_audit_change();
            """,
            reverse_sql="""
            DROP TRIGGER audit_is_append_only ON blogs_auditentry;
            DROP FUNCTION blogs_refuse_audit_change();
            """,
        ),
        migrations.RunPython(write_roles, migrations.RunPython.noop),
    ]
