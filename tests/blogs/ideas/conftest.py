"""The real pipeline against the sandbox: real HTTP, real PostgreSQL, no process of its own."""

from __future__ import annotations

import pytest

from tests.support.blogs.pipeline import Attempt, attempt_one


@pytest.fixture
def attempt() -> Attempt:
    return attempt_one
