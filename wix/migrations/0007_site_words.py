import django.contrib.postgres.indexes
import django.db.models.expressions
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    # Concurrently: shops and workers go on meanwhile.
    atomic = False

    dependencies = [("wix", "0006_prices")]

    operations = [
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
