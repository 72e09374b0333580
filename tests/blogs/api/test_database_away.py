"""What callers and load balancers are told while PostgreSQL is gone, or all connections are taken."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.support.processes import ask

pytestmark = pytest.mark.slow_process

_ASK = """
import json, sys, threading, uuid
from django.conf import settings
from django.db import connection
from django.test import Client
from tests.sandbox import wix_webhooks
from wix.identity.signed_instance import sign_instance

headers = {"host": "localhost", "authorization": f"Bearer {sign_instance(uuid.uuid4())}"}
client = Client(raise_request_exception=False, headers=headers)
answers = {}

def ask(method, path, **more):
    answer = getattr(client, method)(path, **more)
    answers[path] = [answer.status_code, dict(answer.headers), json.loads(answer.content)]
    connection.close()

def ask_everything():
    ask("get", "/health")
    ask("get", "/health/live")
    ask("get", "/health/workers")
    ask("get", "/api/rate-limiter/stats")
    ask("get", "/api/replicate-rate-limiter/stats")
    ask("get", "/api/credits")
    ask("get", "/api/credits?as=wix", headers={"authorization": "OauthNG.JWS.eyJhbGciOiJIUzI1NiJ9.e30.x"})
    wish = {"sourceType": "keyword", "sourceId": "wool"}
    ask("post", "/api/blog-generation", data=wish, content_type="application/json")
    settings.WIX_WEBHOOK_PUBLIC_KEYS = [wix_webhooks.public_key()]
    ask("post", "/wix/webhooks", data=wix_webhooks.token("AppRemoved", uuid.uuid4()), content_type="text/plain")
"""
_GONE = _ASK + "ask_everything()\nprint(json.dumps(answers))"
_TAKEN = (
    _ASK
    + """
connection.ensure_connection()
thread = threading.Thread(target=ask_everything)
thread.start()
thread.join()
taken = answers.pop("/health")
ask("get", "/health")
print(json.dumps([taken, answers]))
"""
)


def _dead_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def gone() -> Any:
    return ask(_GONE, DATABASE_URL=f"postgres://postgres:secret-password@127.0.0.1:{_dead_port()}/blogs")


@pytest.mark.parametrize(
    "path", ["/health", "/health/workers", "/api/rate-limiter/stats", "/api/replicate-rate-limiter/stats"]
)
def test_operators_see_that_the_database_is_gone(gone: Any, path: str) -> None:
    http, headers, body = gone[path]

    assert (http, body) == (503, {"status": "down", "database": "unreachable"})
    assert int(headers["Retry-After"]) > 0


def test_the_process_itself_is_alive(gone: Any) -> None:
    assert gone["/health/live"][0] == 200


@pytest.mark.parametrize("path", ["/api/credits", "/api/credits?as=wix", "/api/blog-generation", "/wix/webhooks"])
def test_shops_are_told_to_come_back(gone: Any, path: str) -> None:
    http, headers, body = gone[path]

    assert (http, body["code"], body["retryable"]) == (503, "database_unavailable", True)
    assert headers["Content-Type"] == "application/problem+json"
    assert body["requestId"] == headers["X-Request-ID"]
    assert int(headers["Retry-After"]) > 0
    assert "127.0.0.1" not in str(body)


@pytest.mark.django_db(transaction=True)
def test_a_pool_without_a_free_connection_is_told_like_a_database_that_is_gone_until_one_is_free() -> None:
    pool = {"DATABASE_POOL_SIZE": "1", "DATABASE_POOL_OVERFLOW": "0", "DATABASE_POOL_TIMEOUT_SECONDS": "0.05"}

    taken, answers = ask(_TAKEN, **pool)

    assert (taken[0], taken[2]["status"]) == (503, "down")
    for path in ("/api/credits", "/api/credits?as=wix"):
        assert (answers[path][0], answers[path][2]["code"]) == (503, "database_unavailable")
    assert (answers["/health"][0], answers["/health"][2]["database"]) == (200, "ok")
