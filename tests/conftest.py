from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from blogs import admission
from wix.auth import sign_instance
from wix.models import Site
from workers import rate_limits

APP_ID, APP_SECRET = "00000000-0000-4000-8000-000000000001", "test-secret"


@pytest.fixture(autouse=True)
def _fresh_process_state(settings: Any) -> Iterator[None]:
    """What a process remembers of tables that the next test will find empty."""
    settings.WIX_APP_ID, settings.WIX_APP_SECRET = APP_ID, APP_SECRET
    admission.forget_count()
    rate_limits.forget_rows()
    yield


class Api:
    """The integration's side: JSON over HTTP with a signed instance as Bearer."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._client = Client(raise_request_exception=False)
        self.headers = {"authorization": f"Bearer {sign_instance(site.instance_id)}"}

    def post(self, body: Any = None, **headers: str) -> Any:
        return self._client.post(
            "/api/blog-generation",
            body if body is not None else {"sourceType": "keyword", "sourceId": "test-1"},
            content_type="application/json",
            headers={**self.headers, **headers},
        )

    def get(self, path: str) -> Any:
        return self._client.get(path, headers=self.headers)


@pytest.fixture
def api() -> type[Api]:
    return Api
