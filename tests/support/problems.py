from __future__ import annotations

from typing import Any

from django.conf import settings

from blogs.api.errors.codes import CODES, address


def problem(response: Any, http: int, code: str) -> dict[str, Any]:
    """Return the body of a refused request. Fails unless it holds all that is promised for every refusal."""
    assert response.status_code == http, response.content[:500]
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    assert body["type"] == address(code)
    assert CODES[code].http == http
    assert body["status"] == http
    assert body["requestId"] == response["X-Request-ID"] != ""
    assert body["title"]
    assert body["detail"]
    text = response.content.decode()
    assert settings.WIX_APP_SECRET not in text
    sent = response.wsgi_request.META.get("HTTP_AUTHORIZATION", "").split()
    assert not any(len(part) > len("Bearer") and part in text for part in sent)
    return body


def refused_fields(response: Any) -> dict[str, str]:
    """What a 400 says of each field: {"sourceId": "required"}."""
    return {error["field"]: error["code"] for error in problem(response, 400, "invalid")["errors"]}
