"""Index the words of shops' names and addresses, by which the desk's search finds them."""

import django.contrib.postgres.indexes
import django.db.models.expressions
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations

from workers.database import migrating


class Migration(migrations.Migration):
    # Concurrently: shops and workers go on meanwhile.
    atomic = False

    dependencies = [("wix", "0006_prices")]

    operations = [
        migrating.drop_unfinished_index("site_words"),
        AddIndexConcurrently(
            "site",
            django.contrib.postgres.indexes.GinIndex(
                django.db.models.expressions.RawSQL(
                    "to_tsvector('simple', name || ' ' || translate(url, '/:.-_', '     '))", ()
                ),
                name="site_words",
            ),
        ),
    ]
