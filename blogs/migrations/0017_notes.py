"""Notes of staff, which nothing changes; no TRUNCATE of them or of the audit log; and who may write and see what is new."""

from typing import Any

import django.db.models.functions.datetime
from django.contrib.auth.management import create_permissions
from django.db import migrations, models
from django.db.models import Manager, Q

from workers.database import migrating

_ADDED = {
    "Support": ("blogs.add_note", "wix.view_as_shop"),
    "Billing": ("blogs.add_note", "wix.view_as_shop"),
    "Operator": ("blogs.add_note", "blogs.export_audit", "wix.view_as_shop"),
    "Admin": ("blogs.add_note", "blogs.export_audit", "wix.view_as_shop"),
}


def write(groups: Manager[Any], permissions: Manager[Any]) -> None:
    """Give each role what this migration adds; take nothing away."""
    for role, names in _ADDED.items():
        group, _ = groups.get_or_create(name=role)
        for name in names:
            app, codename = name.split(".")
            group.permissions.add(permissions.get(content_type__app_label=app, codename=codename))


def write_roles(apps: Any, schema_editor: Any) -> None:
    """Make the permissions first: Django makes them after the last migration only."""
    for name in ("blogs", "wix"):
        app = apps.get_app_config(name)
        app.models_module = True
        create_permissions(app, apps=apps, verbosity=0)
        app.models_module = None
    write(apps.get_model("auth", "Group").objects, apps.get_model("auth", "Permission").objects)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("blogs", "0016_pause_of_all"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("wix", "0005_view_as_shop"),
    ]

    operations = [
        migrating.give_up_soon(),
        migrations.AlterModelOptions(
            name="auditentry",
            options={
                "permissions": [
                    ("give_roles", "Can give colleagues a role"),
                    ("export_audit", "Can export the audit log"),
                ],
                "verbose_name_plural": "audit log",
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("site_id", models.BigIntegerField()),
                (
                    "blog_id",
                    models.BigIntegerField(blank=True, help_text="empty: it is about the shop itself", null=True),
                ),
                ("text", models.CharField(max_length=2000)),
                ("by", models.CharField(max_length=150)),
                ("user_id", models.BigIntegerField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "default_permissions": ("add",),
                "indexes": [
                    models.Index(fields=["site_id", "-id"], name="note_of_site"),
                    models.Index(
                        condition=Q(("blog_id__isnull", False)), fields=["blog_id", "-id"], name="note_of_blog"
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            """
            CREATE FUNCTION blogs_refuse_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'notes of staff are never changed or deleted'
                    USING ERRCODE = 'integrity_constraint_violation';
            END $$;
            CREATE TRIGGER note_is_append_only BEFORE UPDATE OR DELETE ON blogs_note
                FOR EACH ROW EXECUTE FUNCTION blogs_refuse_note_change();
            CREATE TRIGGER note_is_never_emptied BEFORE TRUNCATE ON blogs_note
                FOR EACH STATEMENT EXECUTE FUNCTION blogs_refuse_note_change();
            CREATE TRIGGER audit_is_never_emptied BEFORE TRUNCATE ON blogs_auditentry
                FOR EACH STATEMENT EXECUTE FUNCTION blogs_refuse_audit_change();
            """,
            reverse_sql="""
            DROP TRIGGER audit_is_never_emptied ON blogs_auditentry;
            DROP TRIGGER note_is_never_emptied ON blogs_note;
            DROP TRIGGER note_is_append_only ON blogs_note;
            DROP FUNCTION blogs_refuse_note_change();
            """,
        ),
        migrations.RunPython(write_roles, migrations.RunPython.noop),
    ]
