"""A shop's products as we last read them, so that its blogs need not each read them at Wix."""

from __future__ import annotations

from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Now


class Catalogue(models.Model):
    """Of one site. `shown` and `reading` are numbers of readings: what is shown stays as it is until the next one is whole."""

    instance_id = models.UUIDField(primary_key=True)
    version = models.CharField(max_length=25, blank=True, db_default="", help_text="as Wix calls it; empty: not known")
    shown = models.PositiveIntegerField(db_default=0)
    products = models.PositiveIntegerField(db_default=0, help_text="visible ones")
    read_at = models.DateTimeField(null=True, blank=True, help_text="when the reading that is shown began")
    wanted_at = models.DateTimeField(null=True, blank=True, help_text="when a product changed, or staff asked for it")
    used_at = models.DateTimeField(db_default=Now(), help_text="to the day")

    reading = models.PositiveIntegerField(db_default=0, help_text="the last one that was begun")
    reading_began_at = models.DateTimeField(null=True, blank=True, help_text="empty: none is under way")
    reading_until = models.DateTimeField(null=True, blank=True, help_text="until then its reader is believed alive")
    position = models.TextField(blank=True, db_default="", help_text="where its next page begins")
    found = models.PositiveIntegerField(db_default=0, help_text="products so far")
    expected = models.PositiveIntegerField(db_default=0, help_text="in all, if that is known")
    has_outdated = models.BooleanField(db_default=False, help_text="rows of other readings are still there")

    def __str__(self) -> str:
        return f"catalogue of {self.instance_id}"


class CatalogueProduct(models.Model):
    """One visible product, of one reading. `words` are cut by us (`wix.catalog.words`): weight A from the name, D from the rest."""

    catalogue = models.ForeignKey(Catalogue, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    reading = models.PositiveIntegerField()
    product_id = models.CharField(max_length=100)
    in_stock = models.BooleanField()
    collection_ids = models.JSONField()
    words = SearchVectorField()
    data = models.JSONField(help_text="as a stage's output keeps it")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["catalogue", "reading", "product_id"], name="catalogue_product_once")
        ]

    def __str__(self) -> str:
        return self.product_id
