from __future__ import annotations

import pytest

from credits import ledger
from credits.models import CreditAccount
from tests.support import factories


@pytest.fixture
def account(db: None) -> CreditAccount:
    """With 100 credits."""
    return ledger.lock(factories.site(credits=100).pk)
