"""What shops were told is kept beside the request, and compared with what became of it."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from blogs.models import BlogGeneration, Promise
from blogs.operations import alerts
from blogs.queue import lifecycle
from blogs.queue.forecast import Estimate, Range, promises
from blogs.queue.forecast.calibration import Fit
from blogs.queue.forecast.learned import learned
from tests.support import factories
from workers import metrics
from workers.context.process_memory import forget_everything
from workers.models import WorkerProcess

pytestmark = pytest.mark.django_db

_SPAN = Range(timezone.now(), timezone.now() + timedelta(minutes=1))


def counted() -> Counter[tuple[str, ...]]:
    return Counter({name: n for name, n in metrics.published().items() if name[0] == metrics.ESTIMATES})


def done(promised_seconds: float, took_seconds: float) -> BlogGeneration:
    """Make a blog that was done, whose start and end were promised for about that time."""
    blog = factories.done_generation()
    now = timezone.now()
    asked = now - timedelta(seconds=took_seconds)
    BlogGeneration.objects.filter(pk=blog.pk).update(created_at=asked, started_at=asked, finished_at=now)
    middle = asked + timedelta(seconds=promised_seconds)
    early, late = middle - timedelta(seconds=10), middle + timedelta(seconds=10)
    Promise.objects.create(generation=blog, start_early=asked, start_late=asked, end_early=early, end_late=late)
    return blog


def test_a_request_costs_no_statement_for_it_and_a_thread_writes_it(api: Any, worker: WorkerProcess) -> None:
    client = api(factories.site())
    with CaptureQueriesContext(connection) as sent:
        body = client.post().json()
    assert not [query for query in sent if "INTO blogs_promise" in query["sql"]]

    assert promises.write() == 1
    assert promises.write() == 0

    kept = Promise.objects.get(generation_id=body["id"])
    assert f"{kept.start_early:%Y-%m-%dT%H:%M:%SZ}" == body["estimatedStart"]["early"]


def test_writing_them_waits_for_no_blog_that_a_claim_has_locked(transactional_db: None) -> None:
    """In the middle of a claim of several it would be a deadlock, for which all other claims wait."""
    blog = factories.pending_generation()
    promises.note(blog, Estimate(start=_SPAN, end=_SPAN))
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        BlogGeneration.objects.select_for_update().get(pk=blog.pk)

        written = pool.submit(_written_without_waiting).result()

    assert written == 1
    assert Promise.objects.filter(generation=blog).exists()


def _written_without_waiting() -> int:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '1s'")
            return promises.write()
    finally:
        connection.close()


def test_each_is_judged_once_by_what_came_of_it() -> None:
    done(60, 60)
    done(60, 30)
    done(60, 100)
    before = counted()

    promises.judge()
    promises.judge()

    came = counted() - before
    assert came == {
        (metrics.ESTIMATES, "start", "inside"): 3,
        (metrics.ESTIMATES, "end", "inside"): 1,
        (metrics.ESTIMATES, "end", "before"): 1,
        (metrics.ESTIMATES, "end", "behind"): 1,
    }


@pytest.mark.parametrize(("took", "fires"), [(140, False), (160, True), (40, True)])
def test_an_alert_tells_of_ends_that_are_off_by_more_than_half(took: float, fires: bool) -> None:
    for _ in range(20):
        done(100, took)

    trend, _ = alerts.numbers()

    stats = {"queue": 0, "done_last_minute": 20, "paused": False, "oldest_ready_seconds": 0}
    assert ("estimates_off" in {each.name for each in alerts.judge(stats, trend, [], 1)}) is fires


def test_ranges_widen_where_promises_came_true_too_late(api: Any, worker: WorkerProcess) -> None:
    for _ in range(120):
        blog = done(60, 80)
        Promise.objects.filter(generation=blog).update(start_forecast=[10, 5, 5], end_forecast=[60, 10, 15])

    forget_everything()

    # Starts came ten seconds before their middle, which is two distances; ends 20 seconds behind it, which is 4/3 of one.
    found = learned()
    assert found.starts == Fit(before=1.3, behind=0.9)
    assert found.ends == Fit(before=0.9, behind=1.3)


def test_many_slow_blogs_of_one_site_say_little_of_those_of_others() -> None:
    site = factories.site()
    for _ in range(20):
        done(60, 60)
    for _ in range(40):
        slow = done(60, 600)
        BlogGeneration.objects.filter(pk=slow.pk).update(site=site)
    forget_everything()

    _, middle, high = learned().work("products")

    assert middle == pytest.approx(60, abs=1)
    assert high == pytest.approx(600, abs=1)


def test_what_a_range_was_made_of_is_kept_once_blogs_were_measured(api: Any, worker: WorkerProcess) -> None:
    client = api(factories.site())
    first = client.post().json()["id"]
    lifecycle.cancel(first, by="shop")
    promises.write()
    for _ in range(8):
        done(60, 80)
    forget_everything()
    second = client.post().json()["id"]

    promises.write()

    made_of = dict(Promise.objects.filter(generation__in=[first, second]).values_list("generation", "end_forecast"))
    assert made_of[first] is None
    told = made_of[second]
    assert told
    middle, before, behind = told
    assert middle == pytest.approx(80, abs=3)
    assert before > 0
    assert behind > 0


def test_few_blogs_are_no_reason_for_an_alert() -> None:
    for _ in range(19):
        done(100, 300)

    assert alerts.numbers()[0].estimate_error is None
