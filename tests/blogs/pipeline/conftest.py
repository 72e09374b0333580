"""The real pipeline against the sandbox: real HTTP, real PostgreSQL, no process of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection

from blogs import pipeline, queue
from blogs.models import BlogGeneration
from tests.support import factories


@pytest.fixture
def attempt() -> Callable[[], BlogGeneration]:
    """Make whatever is delayed due, claim one blog, run it to its outcome; the row afterwards."""

    def run() -> BlogGeneration:
        make_due()
        (generation,) = queue.claim(factories.WorkerFactory.create(), 1)
        pipeline.execute(generation)
        return BlogGeneration.objects.get(pk=generation.pk)

    return run


def make_due() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blog_generations SET run_after = clock_timestamp() WHERE status = 'PENDING' AND NOT ready"
        )
    queue.promote()
