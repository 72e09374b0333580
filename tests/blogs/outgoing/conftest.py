from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.receiver import Receiver, receiving


@pytest.fixture(autouse=True)
def here_is_allowed(settings: Any) -> None:
    settings.OUTGOING_WEBHOOK_LOOPBACK = True


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server
