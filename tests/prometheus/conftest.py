"""Debian's `prometheus` brings both programs: promtool, and the server that scrapes a page of ours."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if not found:
        pytest.skip("promtool is not installed; on Debian: apt-get install --no-install-recommends prometheus")
    return found


@pytest.fixture
def prometheus() -> str:
    found = shutil.which("prometheus")
    if not found:
        pytest.skip("prometheus is not installed; on Debian: apt-get install --no-install-recommends prometheus")
    return found
