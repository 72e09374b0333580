from __future__ import annotations

import uuid

import pytest

from tests.sandbox import Sandbox


@pytest.fixture
def instance(sandbox: Sandbox) -> uuid.UUID:
    """Of a site that has installed the app, and of which we know nothing."""
    instance_id = uuid.uuid4()
    sandbox.add_shop(str(instance_id), "Wool & Co", language="de", currency="EUR")
    sandbox.change_shop(str(instance_id), url="https://wool.example")
    return instance_id
