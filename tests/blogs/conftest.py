from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.blogs.books import assert_books_are_right


@pytest.fixture
def right_books(db: None) -> Iterator[None]:
    """Whatever the test did, the ledger is exact afterwards and the lines count what waits in them."""
    yield
    assert_books_are_right()
