"""The audit log is append-only, which the database itself sees to, and staff have roles."""

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations

from blogs.desk.staff import roles


def write_roles(apps: Any, schema_editor: Any) -> None:
    """Make the permissions first: Django makes them after the last migration only."""
    for app in apps.get_app_configs():
        app.models_module = True
        create_permissions(app, apps=apps, verbosity=0)
        app.models_module = None
    permissions = apps.get_model("auth", "Permission").objects
    roles.carry_over(permissions)
    roles.write(apps.get_model("auth", "Group").objects, permissions)


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
