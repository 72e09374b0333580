"""The real PgBouncer in transaction mode, with deploy/pgbouncer.ini, in front of the test's own database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.sandbox import Sandbox
from tests.support.blogs.worker_process import Worker
from tests.support.pgbouncer import PROGRAM, PgBouncer


@pytest.fixture
def start_pgbouncer(transactional_db: None) -> Iterator[Callable[..., PgBouncer]]:
    if not PROGRAM:
        pytest.skip("pgbouncer is not installed; on Debian: apt-get install --no-install-recommends pgbouncer")
    with ExitStack() as stack:

        def start(**how: Any) -> PgBouncer:
            # Not in pytest's own folder, which lets no other user in, and PgBouncer runs as one.
            folder = stack.enter_context(TemporaryDirectory(prefix="pgbouncer-"))
            bouncer = PgBouncer(Path(folder), **how)
            bouncer.start()
            stack.callback(bouncer.stop)
            return bouncer

        yield start


@pytest.fixture
def pgbouncer(start_pgbouncer: Callable[..., PgBouncer]) -> PgBouncer:
    return start_pgbouncer()


@pytest.fixture
def worker(sandbox: Sandbox, pgbouncer: PgBouncer) -> Iterator[Callable[..., Worker]]:
    """A real worker process behind PgBouncer."""
    made: list[Worker] = []

    def make(**settings: str) -> Worker:
        made.append(Worker(sandbox, **pgbouncer.environment(), **settings))
        return made[-1]

    yield make
    for each in made:
        each.kill()
