"""The ledger's entries are never edited or deleted, and the database itself sees to it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("credits", "0001_initial")]

    operations = [
        migrations.RunSQL(
            """
            CREATE FUNCTION credits_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'ledger entries are never changed or deleted; write an adjustment'
                    USING ERRCODE = 'integrity_constraint_violation';
            END $$;
            CREATE TRIGGER credit_is_append_only BEFORE UPDATE OR DELETE ON credits_credit
                FOR EACH ROW EXECUTE FUNCTION credits_refuse_change();
            """,
            reverse_sql="""
            DROP TRIGGER credit_is_append_only ON credits_credit;
            DROP FUNCTION credits_refuse_change();
            """,
        ),
    ]
