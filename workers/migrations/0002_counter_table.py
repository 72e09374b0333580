"""The table behind `counter_cache.CounterCache`, and room for the hot rows' updates to stay on their page."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("workers", "0001_initial")]

    operations = [
        migrations.RunSQL(
            """
            CREATE UNLOGGED TABLE workers_counter (
                key varchar(250) PRIMARY KEY, value bigint NOT NULL, expires_at timestamptz NOT NULL
            ) WITH (fillfactor = 50);
            ALTER TABLE workers_ratelimit SET
                (fillfactor = 20, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 500);
            ALTER TABLE workers_ratelimitusage SET (fillfactor = 50);
            ALTER TABLE workers_workerprocess SET (fillfactor = 20);
            """,
            reverse_sql="DROP TABLE workers_counter;",
        ),
    ]
