from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.wix_webhooks import public_key
from tests.support.wix.plans import make_plans


@pytest.fixture
def wix_signs(settings: Any) -> None:
    """The product believes the sandbox's webhooks."""
    settings.WIX_WEBHOOK_PUBLIC_KEYS = [public_key()]


@pytest.fixture
def plans(transactional_db: None) -> None:
    make_plans()
