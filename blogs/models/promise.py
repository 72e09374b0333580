"""When a shop was told that a blog would start and be written."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from blogs.models.generation import BlogGeneration


class Promise(models.Model):
    """The ranges in the first answer to a request, to be compared with what became of it (`queue/forecast/promises.py`)."""

    # Without a constraint: its check would lock rows of blogs that a claim locks too, in another order.
    generation = models.OneToOneField(
        BlogGeneration, models.CASCADE, primary_key=True, related_name="promise", db_constraint=False
    )
    start_early = models.DateTimeField()
    start_late = models.DateTimeField()
    end_early = models.DateTimeField()
    end_late = models.DateTimeField()
    # Seconds: the middle, and the distances to the tenths before and behind it. Ranges are fitted to what became of the last.
    start_forecast = ArrayField(
        models.FloatField(),
        null=True,
        help_text="what the start's range was made of; empty where nothing is to be learned of it",
    )
    end_forecast = ArrayField(models.FloatField(), null=True, help_text="what the end's range was made of")
    judged = models.BooleanField(db_default=False, default=False, help_text="it is in the metrics")

    def __str__(self) -> str:
        return f"promise for blog {self.generation_id}"
