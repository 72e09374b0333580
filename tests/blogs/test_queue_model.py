"""The queue against a model of it in plain Python, over sequences of moves that Hypothesis makes up and shortens."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from blogs import lifecycle, lines, queue
from blogs.models import BlogGeneration, QueueClock, Stage, Status
from tests import factories
from tests.blogs.books import assert_books_are_right, make_due, row, with_line
from wix.models import Site
from workers.errors import PermanentError, TransientError

SITES = 3
# A line's turn moves by one a start, so two lines that wait are one start apart at most; joining at the clock adds one.
CLOSE = 2


class QueueMachine(RuleBasedStateMachine):
    running = Bundle("running")

    @initialize()
    def open(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        QueueClock.objects.update(turn=0)
        self.worker = factories.WorkerFactory.create()
        self.sites: list[Site] = [factories.site(credits=25 * 200) for _ in range(SITES)]
        self.expected: dict[int, Status] = {}
        self.ready: dict[int, set[int]] = {site.pk: set() for site in self.sites}
        self.paused: set[int] = set()
        self.starts: Counter[int] = Counter()

    def teardown(self) -> None:
        if hasattr(self, "atomic"):
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    @rule(site=st.integers(0, SITES - 1), count=st.integers(1, 4))
    def submit(self, site: int, count: int) -> None:
        if not self.ready[self.sites[site].pk]:
            self.compare_from_now()
        for _ in range(count):
            generation = factories.pending_generation(self.sites[site])
            self.expected[generation.pk] = Status.PENDING
            self.ready[generation.site_id].add(generation.pk)

    @rule(count=st.integers(1, 6))
    def claim(self, count: int) -> None:
        there = {pk for site, blogs in self.ready.items() if site not in self.paused for pk in blogs}

        claimed = queue.claim(self.worker, count)

        assert len({generation.pk for generation in claimed}) == len(claimed) == min(count, len(there))
        for generation in claimed:
            assert generation.pk in there
            self.expected[generation.pk] = Status.PROCESSING
            self.ready[generation.site_id].remove(generation.pk)
            self.starts[generation.site_id] += 1

    @precondition(lambda self: Status.PROCESSING in self.expected.values())
    @rule(data=st.data(), end=st.sampled_from(["succeed", "fail", "retry", "hand back"]))
    def end(self, data: st.DataObject, end: str) -> None:
        generation = row(BlogGeneration(pk=data.draw(st.sampled_from(self.those(Status.PROCESSING)))))
        if end == "succeed":
            lifecycle.succeed(generation, Stage.DRAFT, {}, draft_post_id=str(uuid.uuid4()))
            self.expected[generation.pk] = Status.DONE
        elif end == "fail" or (end == "retry" and generation.attempts >= 5):
            lifecycle.fail(generation, PermanentError("refused", "No."))
            self.expected[generation.pk] = Status.FAILED
        else:
            self.come_back(generation, end)

    def come_back(self, generation: BlogGeneration, how: str) -> None:
        if not self.ready[generation.site_id]:
            self.compare_from_now()
        if how == "retry":
            lifecycle.retry_later(generation, TransientError("timeout", "Too slow."))
            make_due()
            assert queue.promote() == 1
        else:
            assert lifecycle.hand_back(generation)
        self.expected[generation.pk] = Status.PENDING
        self.ready[generation.site_id].add(generation.pk)

    @precondition(lambda self: Status.PENDING in self.expected.values())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        pk = data.draw(st.sampled_from(self.those(Status.PENDING)))

        generation = lifecycle.cancel(pk, by="shop")

        self.expected[pk] = Status.CANCELLED
        self.ready[generation.site_id].remove(pk)

    @rule(site=st.integers(0, SITES - 1))
    def pause_or_resume(self, site: int) -> None:
        line = with_line(self.sites[site])
        if line.paused:
            lines.resume(line)
            self.paused.remove(line.pk)
        else:
            lines.pause(line)
            self.paused.add(line.pk)
        self.compare_from_now()

    def compare_from_now(self) -> None:
        """Fairness is between lines that wait all the while."""
        self.starts.clear()

    def those(self, status: Status) -> list[int]:
        return sorted(pk for pk, known in self.expected.items() if known == status)

    @invariant()
    def nothing_is_lost_and_every_count_is_right(self) -> None:
        if hasattr(self, "atomic"):
            assert dict(BlogGeneration.objects.values_list("pk", "status")) == self.expected
            assert_books_are_right()

    @invariant()
    def sites_that_wait_have_started_about_the_same(self) -> None:
        if hasattr(self, "atomic"):
            waiting = [self.starts[site] for site, blogs in self.ready.items() if blogs and site not in self.paused]
            assert not waiting or max(waiting) - min(waiting) <= CLOSE


@pytest.mark.django_db
def test_no_sequence_of_moves_loses_a_blog_or_is_unfair() -> None:
    run_state_machine_as_test(
        QueueMachine,
        settings=settings(
            max_examples=16,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
