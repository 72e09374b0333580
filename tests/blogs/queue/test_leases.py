from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection, transaction

from blogs import queue
from blogs.models import BlogGeneration, Stage, Status
from blogs.queue import lifecycle
from tests.support import factories
from tests.support.blogs.books import expire_leases, in_line, row
from tests.support.threads import PATIENCE_SECONDS, in_background, wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("right_books")]


def lease_seconds(generation: BlogGeneration) -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM lease_expires_at - clock_timestamp()) FROM blog_generations WHERE id = %s",
            [generation.pk],
        )
        return float(cursor.fetchone()[0])


def test_a_claim_leases_for_the_configured_time(settings: Any) -> None:
    generation = factories.processing_generation()

    assert settings.BLOG_WORKER_LEASE_SECONDS - 2 < lease_seconds(generation) <= settings.BLOG_WORKER_LEASE_SECONDS


def test_each_blog_of_one_claim_has_a_token_of_its_own() -> None:
    site = factories.site()
    for _ in range(3):
        factories.pending_generation(site)

    claimed = queue.claim(factories.WorkerFactory.create(), 3)

    assert len({generation.lease_token for generation in claimed}) == 3


def test_renewing_extends_the_leases_that_are_ours(settings: Any) -> None:
    worker = factories.WorkerFactory.create()
    ours = [factories.processing_generation(worker=worker) for _ in range(3)]
    expire_leases()

    assert queue.renew(ours) == 3

    assert all(lease_seconds(generation) > settings.BLOG_WORKER_LEASE_SECONDS - 2 for generation in ours)


def test_renewing_leaves_the_leases_of_others_alone() -> None:
    ours, theirs = factories.processing_generation(), factories.processing_generation()
    expire_leases()

    assert queue.renew([ours]) == 1

    assert lease_seconds(theirs) < 0


def test_a_token_renews_no_blog_but_its_own() -> None:
    ours, theirs = factories.processing_generation(), factories.processing_generation()
    theirs.lease_token = uuid.uuid4()
    expire_leases()

    assert queue.renew([ours, theirs]) == 1

    assert lease_seconds(theirs) < 0


def test_a_finished_blog_is_not_renewed() -> None:
    generation = factories.processing_generation()
    lifecycle.succeed(generation, Stage.DRAFT, {}, draft_post_id=str(uuid.uuid4()))

    assert queue.renew([generation]) == 0


def test_nothing_to_renew_is_no_error() -> None:
    assert queue.renew([]) == 0


def test_only_expired_leases_are_rescued() -> None:
    dead, alive = factories.processing_generation(), factories.processing_generation()
    expire_leases(pk=dead.pk)

    assert queue.rescue() == 1

    assert row(dead).status == Status.PENDING
    assert row(alive).status == Status.PROCESSING


def test_a_renewed_lease_is_not_rescued() -> None:
    generation = factories.processing_generation()
    expire_leases()
    queue.renew([generation])

    assert queue.rescue() == 0


def test_a_renewal_between_the_look_and_the_rescue_wins() -> None:
    generation = factories.processing_generation()
    expire_leases()
    looked = [generation.pk]
    queue.renew([generation])

    assert not any(lifecycle.rescue(pk) for pk in looked)

    assert row(generation).lease_token == generation.lease_token


@pytest.mark.django_db(transaction=True)
def test_a_rescue_that_waits_for_a_renewal_sees_it() -> None:
    generation = factories.processing_generation()
    expire_leases()
    rescued: list[bool] = []

    with transaction.atomic():
        queue.renew([generation])
        rescuer = in_background(lambda: rescued.append(lifecycle.rescue(generation.pk)))
        wait_for_a_blocked_statement()
    rescuer.join(PATIENCE_SECONDS)

    assert rescued == [False]
    assert row(generation).status == Status.PROCESSING


@pytest.mark.django_db(transaction=True)
def test_of_two_rescues_at_once_one_counts() -> None:
    site = factories.site()
    generation = factories.processing_generation(site)
    expire_leases()
    rescued: list[bool] = []

    with transaction.atomic():
        rescued.append(lifecycle.rescue(generation.pk))
        other = in_background(lambda: rescued.append(lifecycle.rescue(generation.pk)))
        wait_for_a_blocked_statement()
    other.join(PATIENCE_SECONDS)

    assert rescued == [True, False]
    assert (row(generation).rescues, in_line(site)) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_blog_that_finishes_while_a_rescue_waits_for_it_stays_finished() -> None:
    site = factories.site(credits=100)
    generation = factories.processing_generation(site)
    expire_leases()
    rescued: list[bool] = []

    with transaction.atomic():
        lifecycle.succeed(generation, Stage.DRAFT, {}, draft_post_id=str(uuid.uuid4()))
        rescuer = in_background(lambda: rescued.append(lifecycle.rescue(generation.pk)))
        wait_for_a_blocked_statement()
    rescuer.join(PATIENCE_SECONDS)

    assert rescued == [False]
    assert row(generation).status == Status.DONE
    assert in_line(site) == 0


def wait_for_a_blocked_statement() -> None:
    """Until another connection waits for a lock of ours."""
    wait_until(somebody_waits_for_us)


def somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        # Not pg_stat_activity, which a transaction sees as it was at its first look.
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone()[0])
