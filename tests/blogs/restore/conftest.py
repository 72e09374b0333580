from __future__ import annotations

import pytest

from tests.support.blogs.pipeline import Attempt, attempt_one


@pytest.fixture
def attempt() -> Attempt:
    return attempt_one
