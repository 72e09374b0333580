"""What is let in, what is refused, and that nothing of a refused body is kept or said."""

from __future__ import annotations

import base64
import io
import json
import time
import uuid
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.checks import run_checks

from blogs.api import webhooks
from tests.sandbox import wix_webhooks
from tests.sandbox.wix_webhooks import key_pair, public_key, token
from tests.support.problems import problem
from tests.support.wix.webhooks import post
from wix.models import WebhookDelivery
from wix.webhooks import sender

pytestmark = pytest.mark.django_db

INSTANCE = uuid.UUID(int=7)
SECRET_WORD = "correct-horse-battery"


@pytest.fixture(autouse=True)
def _keys(settings: Any) -> None:
    settings.WIX_WEBHOOK_PUBLIC_KEYS = [public_key()]
    settings.WIX_WEBHOOK_DEV_PRIVATE_KEY_FILE = ""


@cache
def stranger() -> Any:
    return sender.new_key()


def event(**more: Any) -> str:
    return token("AppInstalled", INSTANCE, {"appId": SECRET_WORD}, **more)


def signed(payload: Any, *, algorithm: str = "RS256", key: Any = None, **header: Any) -> str:
    """Whatever the payload."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return jwt.PyJWS().encode(raw, key or key_pair(), algorithm=algorithm, headers={"typ": "JWT", **header})


def unsigned() -> str:
    _, body, _ = event().split(".")
    return ".".join([_b64(b'{"alg":"none"}'), body, ""])


def with_public_key_as_secret() -> str:
    """PyJWT refuses to make such a token, so by hand."""
    import hashlib
    import hmac

    _, body, _ = event().split(".")
    message = ".".join([_b64(b'{"alg":"HS256","typ":"JWT"}'), body])
    return f"{message}.{_b64(hmac.digest(public_key().encode(), message.encode(), hashlib.sha256))}"


def tampered() -> str:
    head, _, signature = event().split(".")
    return f"{head}.{event(iat=1).split('.')[1]}.{signature}"


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def now() -> int:
    return int(time.time())


def envelope(**changes: Any) -> str:
    layer = {"eventType": "AppInstalled", "instanceId": str(INSTANCE), "data": '{"appId":"x"}', **changes}
    return json.dumps({name: value for name, value in layer.items() if value is not ...})


BAD: dict[str, tuple[Callable[[], str | bytes], int, str]] = {
    "alg none": (unsigned, 401, "bad_algorithm"),
    "HS256 with the public key": (with_public_key_as_secret, 401, "bad_algorithm"),
    "RS512": (lambda: signed({"data": envelope()}, algorithm="RS512"), 401, "bad_algorithm"),
    "PS256": (lambda: signed({"data": envelope()}, algorithm="PS256"), 401, "bad_algorithm"),
    "another key": (lambda: event(key=stranger()), 401, "bad_signature"),
    "tampered": (tampered, 401, "bad_signature"),
    "expired": (lambda: event(exp=now() - 1), 401, "expired"),
    "expired at this moment": (lambda: event(exp=now()), 401, "expired"),
    "not yet": (lambda: event(nbf=now() + 60), 401, "not_yet_valid"),
    "exp in words": (lambda: event(exp=str(now() + 60)), 400, "malformed_token"),
    "exp true": (lambda: event(exp=True), 400, "malformed_token"),
    "iat in words": (lambda: event(iat="now"), 400, "malformed_token"),
    "truncated signature": (lambda: event()[:-9], 400, "malformed_token"),
    "truncated payload": (lambda: event()[:300], 400, "malformed_token"),
    "two parts": (lambda: ".".join(event().split(".")[:2]), 400, "malformed_token"),
    "four parts": (lambda: event() + ".x", 400, "malformed_token"),
    "empty": (lambda: "", 400, "malformed_token"),
    "JSON": (lambda: envelope(), 400, "malformed_token"),
    "not ASCII": (lambda: "é.é.é".encode(), 400, "malformed_token"),
    "header too deep": (lambda: f"{_b64(b'[' * 100_000)}.e30.x", 400, "malformed_token"),
    "payload a list": (lambda: signed([1]), 400, "malformed_token"),
    "payload no JSON": (lambda: signed(b"{"), 400, "malformed_token"),
    "payload of NaN": (lambda: signed(b'{"data":NaN}'), 400, "malformed_token"),
    "no data": (lambda: signed({"iat": now()}), 400, "malformed_token"),
    "one layer missing": (lambda: signed({"eventType": "AppInstalled", "instanceId": "x"}), 400, "malformed_token"),
    "data a number": (lambda: signed({"data": 5}), 400, "malformed_token"),
    "data a list": (lambda: signed({"data": "[]"}), 400, "malformed_token"),
    "data no JSON": (lambda: signed({"data": "{"}), 400, "malformed_token"),
    "event missing": (lambda: signed({"data": envelope(data=...)}), 400, "malformed_token"),
    "event no JSON": (lambda: signed({"data": envelope(data="{")}), 400, "malformed_token"),
    "identity no JSON": (lambda: signed({"data": envelope(identity="{")}), 400, "malformed_token"),
    "too deep": (lambda: signed({"data": envelope(data="[" * 50_000)}), 400, "malformed_token"),
}


def test_a_bad_token_is_refused_and_leaves_nothing(caplog: pytest.LogCaptureFixture) -> None:
    said = {}
    for form, (make, http, code) in BAD.items():
        answer = post(make())
        said[form] = (http, code), (answer.status_code, answer.json()["code"])
        assert problem(answer, *said[form][1])
        assert not any(told in caplog.text + answer.content.decode() for told in (SECRET_WORD, "eyJ")), form

    assert {form: got for form, (_, got) in said.items()} == {form: wanted for form, (wanted, _) in said.items()}
    assert not WebhookDelivery.objects.exists()


GOOD: dict[str, Callable[[], str | bytes]] = {
    "as Wix sends it": event,
    "layers as objects": lambda: event(as_objects=True),
    "no exp": lambda: event(exp=None),
    "no iat": lambda: event(iat=None),
    "years old": lambda: event(iat=1_600_000_000),
    "from the future": lambda: event(iat=now() + 9_000),
    "other iss, aud, kid": lambda: signed({"data": envelope(), "iss": "x", "aud": "y"}, kid="z"),
    "a newline at the end": lambda: event() + "\n",
    "no identity": lambda: signed({"data": envelope()}),
    "an unknown type": lambda: token("wix.unheard.of", INSTANCE, {"x": 1}),
    "no type": lambda: signed({"data": envelope(eventType=...)}),
    "no instance": lambda: signed({"data": envelope(instanceId=...)}),
    "an instance that is no UUID": lambda: signed({"data": envelope(instanceId="shop")}),
    "an event that is null": lambda: signed({"data": envelope(data="null")}),
    "what PostgreSQL can't hold": lambda: signed(
        {"data": envelope(data='{"a\\u0000b":"\\ud800","big":1e999}', eventType="T\0" * 200)}
    ),
    "200 KB": lambda: token("wix.blog.v3.draft_created", INSTANCE, {"entity": "x" * 100_000}),
}


@pytest.mark.parametrize("form", GOOD)
def test_a_good_token_is_stored_once_however_often_it_comes(form: str) -> None:
    body = GOOD[form]()

    answers = [post(body, content_type=kind) for kind in ("text/plain", "application/json")]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b""), (200, b"")]
    assert WebhookDelivery.objects.get().received == 2


def test_wix_waits_for_one_statement_and_a_wake_up(django_assert_num_queries: Any) -> None:
    body = event()
    with django_assert_num_queries(2) as first:
        post(body)

    assert ["INSERT INTO wix_webhookdelivery" in query["sql"] for query in first.captured_queries] == [True, False]
    assert "NOTIFY webhook_arrived" in first.captured_queries[-1]["sql"]
    WebhookDelivery.objects.update(status="done", due_at=None)
    with django_assert_num_queries(1):
        post(body)


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    class Unreadable(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("it was read")

    stream: dict[str, Any] = {"wsgi.input": Unreadable(), "CONTENT_LENGTH": str(5_000_000)}

    problem(post(b"", **stream), 413, "request_too_large")
    problem(post(b"x" * (webhooks.BODY_MAX_BYTES + 1)), 413, "request_too_large")
    problem(post(b"x" * webhooks.BODY_MAX_BYTES), 400, "malformed_token")


def test_only_posts_are_taken(client: Any) -> None:
    assert problem(client.get("/wix/webhooks"), 405, "method_not_allowed")


def test_two_keys_while_one_is_replaced(settings: Any) -> None:
    """And in all the forms in which a key may be written."""
    pem = sender.public_pem(stranger())
    for written in (pem, pem.replace("\n", "\\n"), base64.b64encode(pem.encode()).decode()):
        settings.WIX_WEBHOOK_PUBLIC_KEYS = [public_key(), written]

        assert [post(event(key=key)).status_code for key in (key_pair(), stranger())] == [200, 200]
    assert WebhookDelivery.objects.get().received == 6


def _pem(key: Any) -> str:
    return sender.public_pem(key)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (lambda: _pem(rsa.generate_private_key(65_537, 1_024)), "1024 bits"),
        (lambda: _pem(ec.generate_private_key(ec.SECP256R1())), "not an RSA key"),
        (lambda: "my public key!", "neither a PEM"),
        (lambda: public_key()[:200], "breaks off"),
    ],
)
def test_a_key_that_is_none_is_said_at_the_start_and_wix_told_to_come_back(
    key: Callable[[], str], says: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.WIX_WEBHOOK_PUBLIC_KEYS = [key()]

    (message,) = [found for found in run_checks(tags=["webhooks"]) if found.id == "wix.E013"]
    answer = post(event())

    assert says in message.msg
    assert message.hint
    assert problem(answer, 503, "webhooks_not_configured")
    assert settings.WIX_WEBHOOK_PUBLIC_KEYS[0][-60:] not in caplog.text


def test_without_a_key_no_webhook_is_believed(settings: Any) -> None:
    settings.WIX_WEBHOOK_PUBLIC_KEYS = []

    assert problem(post(event()), 503, "webhooks_not_configured")


def test_a_development_key_counts_in_development_alone(settings: Any, tmp_path: Any) -> None:
    file = tmp_path / "key.pem"
    settings.WIX_WEBHOOK_DEV_PRIVATE_KEY_FILE = str(file)
    body = event(key=sender.development_key(file))

    settings.DEBUG = False
    in_production = post(body)
    settings.DEBUG = True
    in_development = post(body)

    assert (in_production.status_code, in_development.status_code) == (401, 200)
    assert file.stat().st_mode & 0o77 == 0
    errors = {found.id for found in run_checks(tags=["security"], include_deployment_checks=True)}
    assert "wix.E014" in errors


def test_one_in_chunks_is_read_to_its_end_or_to_the_limit() -> None:
    def in_chunks(body: bytes) -> Any:
        stream: dict[str, Any] = {"CONTENT_LENGTH": "", "wsgi.input": BytesIO(body), "wsgi.input_terminated": True}
        return post(b"", **stream)

    data = {"status": "PAID", "invoiceId": "1", "instanceId": str(INSTANCE)}
    assert in_chunks(token("InvoiceStatusUpdated", "", data).encode()).status_code == 200
    # Where the envelope names no instance, an invoice's own data does.
    assert WebhookDelivery.objects.get().instance_id == INSTANCE
    problem(in_chunks(b"x" * (webhooks.BODY_MAX_BYTES + 1)), 413, "request_too_large")


def test_each_event_type_of_wix_is_taken() -> None:
    for event_type in wix_webhooks.EVENT_TYPES:
        assert post(token(event_type, INSTANCE)).status_code == 200

    assert WebhookDelivery.objects.count() == len(wix_webhooks.EVENT_TYPES)
