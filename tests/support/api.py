from __future__ import annotations

from typing import Any

from django.test import Client

from wix.identity.signed_instance import sign_instance
from wix.models import Site


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

    def patch(self, blog: int, body: Any) -> Any:
        path = f"/api/blog-generation/{blog}"
        return self._client.patch(path, body, content_type="application/json", headers=self.headers)

    def act(self, blog: int, what: str, body: Any = None, **headers: str) -> Any:
        """Do something to a blog: `cancel`, `retry`, …"""
        path, headers = f"/api/blog-generation/{blog}/{what}", {**self.headers, **headers}
        return self._client.post(path, body or {}, content_type="application/json", headers=headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send JSON by any method."""
        send, headers = getattr(self._client, method), {**self.headers, **headers}
        if method == "get":
            return send(path, headers=headers)
        return send(path, body if body is not None else {}, content_type="application/json", headers=headers)

    def get(self, path: str, **headers: str) -> Any:
        return self._client.get(path, headers={**self.headers, **headers})
