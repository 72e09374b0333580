"""The queue's one clock, and storage settings for tables whose rows are updated many times in their short lives."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("blogs", "0001_initial")]

    operations = [
        migrations.RunSQL(
            """
            INSERT INTO blogs_queueclock (id, turn) VALUES (1, 0);
            ALTER TABLE blogs_queueclock SET (fillfactor = 20);
            ALTER TABLE blogs_siteline SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
            ALTER TABLE blog_generations SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
            """,
            reverse_sql="DELETE FROM blogs_queueclock;",
        ),
    ]
