from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blogs.judge.serving import NotInstalled, Service, python, serving


@pytest.fixture(scope="session")
def judges() -> Path:
    """The folder of the judges' programs."""
    try:
        return Path(python()).parent
    except NotInstalled as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving() as service:
        yield service
