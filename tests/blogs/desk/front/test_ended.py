"""What ended lately: by the minute, by the quarter of an hour, by code; how long stages take, and how long the queue lasts."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from blogs.desk.blogs import places
from blogs.desk.front import drain, ended, pace
from blogs.desk.front.ended import MINUTE, QUARTER, WHOLE, floor
from blogs.models import BlogGeneration, GenerationEvent, Stage
from blogs.operations import health
from tests.support.factories import (
    WorkerFactory,
    done_generation,
    failed_generation,
    pending_generation,
    processing_generation,
)
from workers.context.process_memory import forget_everything

pytestmark = pytest.mark.django_db


def ended_at(blog: BlogGeneration, moment: datetime) -> None:
    BlogGeneration.objects.filter(pk=blog.pk).update(finished_at=moment)


def quarters_ago(number: int) -> datetime:
    return floor(timezone.now(), QUARTER) - number * QUARTER + timedelta(seconds=30)


def test_blogs_are_counted_in_the_minute_in_which_they_ended() -> None:
    at = floor(timezone.now(), MINUTE) - 7 * MINUTE
    ended_at(done_generation(), at + timedelta(seconds=59))
    ended_at(done_generation(), at)
    ended_at(failed_generation(), at + timedelta(seconds=1))

    hour, _ = pace.charts(ended.read())

    assert [row for row in hour.rows if row[1] != ["0", "0"]] == [(f"{at:%H:%M}", ["2", "1"])]
    assert len(hour.rows) == 60
    assert hour.description == "In the last hour 2 blogs were done and 1 failed."


def test_a_day_is_drawn_by_the_quarter_of_an_hour() -> None:
    ended_at(done_generation(), quarters_ago(95))
    ended_at(failed_generation(), quarters_ago(20))
    ended_at(done_generation(), quarters_ago(96))

    _, day = pace.charts(ended.read())

    assert [row[1] for row in day.rows if row[1] != ["0", "0"]] == [["0", "1"], ["1", "0"]]
    assert len(day.rows) == 96


def test_a_quarter_that_is_over_is_read_once_and_the_last_hour_each_time() -> None:
    old, new = done_generation(), done_generation()
    ended_at(old, quarters_ago(20))
    ended_at(new, timezone.now() - timedelta(minutes=2))
    first = ended.read()
    ended_at(old, timezone.now() - timedelta(days=3))
    ended_at(new, timezone.now() - timedelta(days=3))

    second = ended.read()

    assert sum(first.quarters.values()) == 2
    assert sum(second.quarters.values()) == 1
    assert sum(second.minutes.values()) == 0
    forget_everything()
    assert sum(ended.read().quarters.values()) == 0


def test_failures_of_the_last_hour_are_grouped_the_most_frequent_first() -> None:
    shop = failed_generation().site
    failed_generation(shop)
    other, old = failed_generation(), failed_generation()
    BlogGeneration.objects.filter(pk=other.pk).update(error_code="rare")
    BlogGeneration.objects.filter(pk=old.pk).update(error_code="old", finished_at=timezone.now() - timedelta(hours=2))
    code = BlogGeneration.objects.filter(site=shop)[0].error_code

    assert [(each.code, each.count, each.shops) for each in ended.read().failures] == [(code, 2, 1), ("rare", 1, 1)]


def timed(blog: BlogGeneration, *steps: tuple[str, str, float]) -> None:
    """Write a blog's history: the kind of each event, its stage, and its second."""
    blog.events.all().delete()
    began = timezone.now() - timedelta(minutes=10)
    for kind, stage, second in steps:
        event = GenerationEvent.objects.create(generation=blog, kind=kind, stage=stage)
        GenerationEvent.objects.filter(pk=event.pk).update(created_at=began + timedelta(seconds=second))
    last = steps[-1][2]
    BlogGeneration.objects.filter(pk=blog.pk).update(started_at=began, finished_at=began + timedelta(seconds=last))


def test_a_stage_took_as_long_as_lies_between_its_checkpoint_and_the_event_before() -> None:
    timed(
        done_generation(),
        ("started", "idea", 0),
        ("checkpoint", "idea", 4),
        ("checkpoint", "article", 34),
        ("done", "draft", 40),
    )
    timed(
        done_generation(),
        ("started", "idea", 0),
        ("checkpoint", "idea", 6),
        ("checkpoint", "article", 26),
        ("done", "draft", 60),
    )

    found = {each.stage: each for each in ended.read().durations}

    assert list(found) == ["idea", "article", WHOLE]
    assert found["idea"].median == pytest.approx(5)
    assert found["idea"].count == 2
    assert found["article"].median == pytest.approx(25)
    assert found["article"].p95 == pytest.approx(29.5)
    assert found[WHOLE].median == pytest.approx(50)


def test_the_wait_between_two_attempts_is_no_stage() -> None:
    timed(
        done_generation(),
        ("started", "article", 0),
        ("deferred", "article", 3),
        ("started", "article", 300),
        ("checkpoint", "article", 310),
        ("deferred", "draft", 311),
        ("checkpoint", "draft", 330),
        ("done", "draft", 331),
    )

    found = {each.stage: each.median for each in ended.read().durations}

    assert found == {"article": pytest.approx(10), WHOLE: pytest.approx(331)}
    assert Stage.DRAFT not in found


def forecast() -> tuple[str, str]:
    forget_everything()
    return drain.forecast(health.service(), places.counted(), ended.read())


def test_the_queue_lasts_as_long_as_the_pace_of_the_last_minutes_says() -> None:
    ended_before = [done_generation() for _ in range(5)]
    for blog in ended_before:
        ended_at(blog, timezone.now() - timedelta(hours=2))
    processing_generation()
    for _ in range(9):
        pending_generation()
    WorkerFactory.create()
    assert forecast() == ("unknown", "no blog has ended in the last 5 minutes")

    for blog in ended_before:
        ended_at(blog, floor(timezone.now(), MINUTE) - timedelta(seconds=90))

    assert forecast() == ("10 min", "at 1 a minute, as in the last 5")


def test_the_statement_reads_no_blog_that_ended_before_the_day() -> None:
    ended_at(done_generation(), timezone.now() - timedelta(days=2))

    assert sum(ended.read().minutes.values()) == 0
