"""The queue against a model of it in plain Python, over sequences of moves that Hypothesis makes up and shortens.

Sixteen sequences a run, the same each time. For a long run with new ones: `QUEUE_MODEL_EXAMPLES=2000 make test
ARGS=tests/blogs/queue/test_model.py` (a hundred take about a minute).
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from blogs import queue
from blogs.models import BlogGeneration, QueueClock, Status
from blogs.queue import lifecycle, lines, waiting
from blogs.queue.lifecycle import WrongState
from blogs.queue.waiting import HasThatTime
from tests.support import factories
from tests.support.blogs import outcomes
from tests.support.blogs.books import assert_books_are_right, expire_leases, in_hand, make_due, row, with_line
from tests.support.blogs.queue_model import Blog, Model
from wix.models import Site
from workers.models import RateLimit

EXAMPLES = int(os.environ.get("QUEUE_MODEL_EXAMPLES", "0"))
SITES, WORKERS = 4, 2


class QueueMachine(RuleBasedStateMachine):
    seats_a_site = 20

    @initialize()
    def open(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        with connection.cursor() as cursor:
            # PostgreSQL would end the session where a busy machine makes a transaction wait 5 s for its next statement.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        QueueClock.objects.update(turn=0, lowest=0, next_lowest=0)
        self.workers = [factories.WorkerFactory.create() for _ in range(WORKERS)]
        self.sites: list[Site] = [factories.site(credits=25 * 500) for _ in range(SITES)]
        self.model = Model([site.pk for site in self.sites], self.seats_a_site)

    def teardown(self) -> None:
        if hasattr(self, "atomic"):
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    # --- Moves ----------------------------------------------------------------------------------------------------------

    @rule(site=st.integers(0, SITES - 1), count=st.integers(1, 5))
    def submit(self, site: int, count: int) -> None:
        for _ in range(count):
            generation = factories.pending_generation(self.sites[site])
            self.model.add(Blog(generation.pk, generation.site_id, ready=True))

    @rule(site=st.integers(0, SITES - 1))
    def schedule(self, site: int) -> None:
        later = timezone.now() + timedelta(hours=1)
        generation = factories.pending_generation(self.sites[site], scheduled_at=later)
        self.model.add(Blog(generation.pk, generation.site_id, ready=False))

    @rule(worker=st.integers(0, WORKERS - 1), count=st.integers(1, 8))
    def claim(self, worker: int, count: int) -> None:
        claimed = queue.claim(self.workers[worker], count, in_hand(self.workers[worker]))

        self.model.start([generation.pk for generation in claimed], worker, count)

    @rule(data=st.data(), end=st.sampled_from(["succeed", "fail", "retry", "defer", "hand back", "rescue"]))
    def end(self, data: st.DataObject, end: str) -> None:
        blog = self.one(data, Status.PROCESSING)
        generation = row(BlogGeneration(pk=blog.pk))
        if end == "succeed":
            outcomes.succeed(generation)
            self.model.finish(blog, Status.DONE)
        elif end == "fail" or (end == "retry" and generation.attempts >= 5):
            outcomes.fail(generation)
            self.model.finish(blog, Status.FAILED)
        elif end in ("retry", "defer"):
            (outcomes.retry_later if end == "retry" else outcomes.defer)(generation)
            self.model.come_back(blog, ready=False)
        else:
            assert lifecycle.hand_back(generation) if end == "hand back" else _rescued(blog)
            self.model.come_back(blog, ready=True)

    @rule(data=st.data())
    def time_passes_for_one(self, data: st.DataObject) -> None:
        blog = self.one(data, Status.PENDING, ready=False)
        make_due(pk=blog.pk)

        assert queue.promote() == 1

        self.model.ready(blog)

    @rule(data=st.data(), status=st.sampled_from([Status.PENDING, Status.PROCESSING]))
    def cancel(self, data: st.DataObject, status: Status) -> None:
        blog = self.one(data, status)

        lifecycle.cancel(blog.pk, by="shop")

        if status == Status.PENDING:
            self.model.finish(blog, Status.CANCELLED)
        blog.cancel_asked = status == Status.PROCESSING

    @rule(data=st.data(), later=st.booleans())
    def reschedule(self, data: st.DataObject, later: bool) -> None:
        blog = self.one(data, Status.PENDING)
        to = timezone.now() + timedelta(hours=2) if later else None
        if blog.started:
            with pytest.raises(WrongState):
                waiting.reschedule(blog.pk, to, by="shop")
            return

        with suppress(HasThatTime):  # in its line already
            waiting.reschedule(blog.pk, to, by="shop")

        blog.ready = not later

    @rule(data=st.data())
    def requeue(self, data: st.DataObject) -> None:
        blog = self.one(data, Status.FAILED)

        lifecycle.requeue(blog.pk, by="staff")

        blog.cancel_asked = False
        self.model.come_back(blog, ready=True)

    @rule(data=st.data())
    def put_first(self, data: st.DataObject) -> None:
        blog = self.one(data, Status.PENDING)
        priority = self.model.priority_of_the_first(blog)
        if priority is None:
            with pytest.raises(WrongState):
                waiting.put_first(blog.pk, by="staff")
            return

        waiting.put_first(blog.pk, by="staff")

        blog.priority = priority
        self.model.ready(blog)

    @rule(site=st.integers(0, SITES - 1))
    def pause_or_resume(self, site: int) -> None:
        line = with_line(self.sites[site])
        (lines.resume if line.paused else lines.pause)(line)
        self.model.paused ^= {line.pk}

    @rule(site=st.integers(0, SITES - 1))
    def wix_blocks_or_unblocks(self, site: int) -> None:
        self.model.blocked ^= {self.sites[site].pk}
        blocked = self.sites[site].pk in self.model.blocked
        RateLimit.objects.update_or_create(
            provider="wix",
            key=str(self.sites[site].instance_id),
            defaults={
                "requests_per_minute": 200,
                "blocked_until": timezone.now() + timedelta(minutes=10) if blocked else None,
            },
        )

    @rule()
    def a_second_passes(self) -> None:
        """For claims: the next one reads lines from the very head, the others from the lowest turn known."""
        QueueClock.objects.update(looked_at=timezone.now() - timedelta(seconds=2))

    @rule(site=st.integers(0, SITES - 1), weight=st.integers(1, 5))
    def set_weight(self, site: int, weight: int) -> None:
        lines.set_weight(with_line(self.sites[site]), weight)
        self.model.set_weight(self.sites[site].pk, weight)

    def one(self, data: st.DataObject, status: Status, ready: bool | None = None) -> Blog:
        those = [blog for blog in self.model.blogs.values() if blog.status == status and ready in (None, blog.ready)]
        assume(those)
        return data.draw(st.sampled_from(those))

    # --- What is always so ----------------------------------------------------------------------------------------------

    @invariant()
    def no_blog_is_lost_and_every_count_is_right(self) -> None:
        if hasattr(self, "atomic"):
            there = {
                pk: state for pk, *state in BlogGeneration.objects.values_list("pk", "status", "ready", "priority")
            }
            assert there == {b.pk: [b.status, b.ready, b.priority] for b in self.model.blogs.values()}
            assert_books_are_right()

    @invariant()
    def sites_that_wait_have_started_about_the_same(self) -> None:
        if hasattr(self, "atomic"):
            for one, other in combinations(self.model.waiting(), 2):
                assert self.model.distance(one, other) <= self.model.step(one) + self.model.step(other) + 1e-6


def _rescued(blog: Blog) -> bool:
    expire_leases(pk=blog.pk)
    return queue.rescue() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("seats_a_site", [20, 3])
def test_no_sequence_of_moves_loses_a_blog_or_is_unfair(seats_a_site: int, settings: Any) -> None:
    settings.BLOG_WORKER_SITE_SEATS = seats_a_site
    machine = type("Machine", (QueueMachine,), {"seats_a_site": seats_a_site})
    run_state_machine_as_test(machine, settings=_effort())


def _effort() -> settings:
    return settings(
        max_examples=EXAMPLES or 5,
        stateful_step_count=40,
        deadline=None,
        derandomize=not EXAMPLES,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
