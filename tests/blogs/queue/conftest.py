from __future__ import annotations

import pytest

from tests.support import factories
from workers.models import WorkerProcess


@pytest.fixture
def worker(db: None) -> WorkerProcess:
    return factories.WorkerFactory.create()
