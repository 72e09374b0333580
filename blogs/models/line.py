"""A site's place in the fair order, and the queue's clock."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from blogs.models.staff import REASON_MAX


class SiteLine(models.Model):
    """A site's place in the fair order: the turn belongs to the line, not to its blogs (`queue/lines.py`).

    A transaction locks it before any blog row that others can see.
    """

    site = models.OneToOneField("wix.Site", models.PROTECT, primary_key=True, related_name="line")
    turn = models.FloatField(default=0)
    step = models.FloatField(default=1, help_text="1 / weight: how far one start moves the turn")
    waiting = models.PositiveIntegerField(default=0, help_text="how many of the site's blogs are ready")
    paused = models.BooleanField(default=False)
    waiting_max = models.PositiveIntegerField(
        null=True, blank=True, help_text="most unfinished blogs, by the site's plan; empty: half the queue"
    )

    class Meta:
        permissions = [
            ("pause_lines", "Can pause and resume shops' lines"),
            ("weigh_lines", "Can set the weight and the cap of a shop's line"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(step__gt=0), name="site_line_step_positive"),
            models.CheckConstraint(condition=Q(waiting__gte=0), name="site_line_waiting_not_negative"),
        ]
        indexes = [
            models.Index(fields=["turn", "site"], condition=Q(waiting__gt=0, paused=False), name="site_line_next")
        ]

    def __str__(self) -> str:
        return f"line of site {self.site_id}"


class QueueClock(models.Model):
    """One row with the highest turn that has started, the turn from which claims read, and whether all lines are paused.

    A line that wakes up goes on at the clock, so that silence earns no burst.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    turn = models.FloatField(default=0)
    lowest = models.FloatField(
        db_default=0, help_text="the lowest turn that waited a moment ago: claims read from here"
    )
    next_lowest = models.FloatField(db_default=0, help_text="upper bound of `lowest` after the next look")
    looked_at = models.DateTimeField(db_default=Now(), help_text="when a claim last read the lines from the very head")
    paused_at = models.DateTimeField(null=True, blank=True, help_text="since then no blog of any line starts")
    paused_by = models.CharField(max_length=150, blank=True, db_default="")
    paused_why = models.CharField(max_length=REASON_MAX, blank=True, db_default="")
    resumed_at = models.DateTimeField(null=True, blank=True, help_text="when the last pause of all lines ended")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="queue_clock_is_one_row")]

    def __str__(self) -> str:
        return f"clock at {self.turn}"
