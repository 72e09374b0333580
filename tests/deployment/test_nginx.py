"""What deploy/nginx.conf promises, at a real nginx in front of a real gunicorn."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import ssl
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

import psutil
import pytest

from tests.sandbox import wix_webhooks
from tests.support.nginx import NAME, STRANGER, Nginx
from tests.support.web_server import request
from tests.support.wix.instances import payload, signed
from wix.models import WebhookDelivery

pytestmark = [pytest.mark.slow_process, pytest.mark.django_db(transaction=True)]

# More than gunicorn has threads, and fewer than nginx takes of one address.
_CLIENTS = 40
_MEDIAN_SECONDS = 0.25


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def ask(nginx: Nginx, method: str, path: str, body: bytes = b"", *, of: str = "127.0.0.1", **headers: str) -> Answer:
    with nginx.connected(of=of) as client:
        headers = {"Host": NAME, "Connection": "close", **headers}
        client.sendall(request(method, path, body, **headers))
        return _answer(client)


def _answer(client: socket.socket) -> Answer:
    answer = http.client.HTTPResponse(client)
    answer.begin()
    return Answer(answer.status, answer.headers, answer.read())


def _from_gunicorn(nginx: Nginx) -> list[Any]:
    """Connections that nginx holds to gunicorn."""
    return [
        each
        for each in psutil.net_connections("tcp")
        if each.raddr and each.raddr.port == nginx.behind and each.status == psutil.CONN_ESTABLISHED
    ]


# --- TLS ------------------------------------------------------------------------------------------------------------


def test_a_plain_request_is_sent_to_https(nginx: Nginx) -> None:
    with socket.create_connection(("127.0.0.1", nginx.http), 10) as client:
        client.sendall(request("GET", "/api/credits?a=b", Host=NAME))
        answer = _answer(client)

    assert answer.status == 301
    assert answer.headers["Location"] == f"https://{NAME}/api/credits?a=b"
    assert answer.headers["Server"] == "nginx"


def test_the_service_knows_that_it_was_asked_over_https_and_says_so_once(nginx: Nginx) -> None:
    answer = ask(nginx, "GET", "/health/live")

    assert answer.status == 200
    assert len(answer.headers.get_all("Strict-Transport-Security", [])) == 1
    assert answer.headers["Server"] == "nginx"


def test_browsers_may_speak_http_2(nginx: Nginx) -> None:
    with nginx.connected(alpn="h2") as client:
        assert client.selected_alpn_protocol() == "h2"


def test_another_name_gets_no_certificate_and_no_answer(nginx: Nginx) -> None:
    context = ssl.create_default_context(cafile=str(nginx.folder / "blogs.pem"))
    with socket.create_connection(("127.0.0.1", nginx.https), 10) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="elsewhere.example.com")
    with socket.create_connection(("127.0.0.1", nginx.http), 10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: elsewhere.example.com\r\n\r\n")
        assert plain.recv(100) == b""


# --- Who asks -------------------------------------------------------------------------------------------------------


def test_what_a_caller_says_of_its_address_and_scheme_is_replaced(nginx: Nginx) -> None:
    from axes.models import AccessAttempt

    page = ask(nginx, "GET", "/admin/login/", of=STRANGER)
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    form = f"csrfmiddlewaretoken={cookie.partition('=')[2]}&username=someone&password=wrong".encode()
    lies = {"X_Forwarded_For": "10.9.9.9", "X_Forwarded_Proto": "http", "X_Real_IP": "10.9.9.9"}
    refused = ask(
        nginx, "POST", "/admin/login/", form, of=STRANGER, **lies, Cookie=cookie, Content_Length=str(len(form)),
        Content_Type="application/x-www-form-urlencoded", Referer=f"https://{NAME}/admin/login/",
    )  # fmt: skip

    assert (page.status, refused.status) == (200, 200)
    assert list(AccessAttempt.objects.values_list("ip_address", flat=True)) == [STRANGER]


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/health", "/health/", "/health/workers"])
def test_what_is_for_operators_is_not_for_strangers(nginx: Nginx, path: str) -> None:
    assert ask(nginx, "GET", path, of=STRANGER).status == 403
    assert ask(nginx, "GET", path).status in (200, 503)


def test_a_balancer_elsewhere_may_ask_whether_we_live(nginx: Nginx) -> None:
    assert ask(nginx, "GET", "/health/live", of=STRANGER).status == 200


def test_a_request_has_one_id_in_the_answer_and_in_the_log(nginx: Nginx) -> None:
    given = ask(nginx, "GET", "/api/credits").json()["requestId"]
    kept = ask(nginx, "GET", "/api/credits", X_Request_ID="mine-12345").json()["requestId"]

    assert given in nginx.log()
    assert kept == "mine-12345"


# --- Bodies ---------------------------------------------------------------------------------------------------------


def test_a_body_in_chunks_that_is_too_large_for_the_api_is_413(nginx: Nginx) -> None:
    body = f"{70_000:x}\r\n".encode() + b"a" * 70_000 + b"\r\n0\r\n\r\n"
    chunked = {"Transfer_Encoding": "chunked", "Content_Type": "application/json"}
    answer = ask(nginx, "POST", "/api/blog-generation", body, **chunked, Authorization=f"Bearer {signed(payload())}")

    assert answer.status == 413
    assert answer.json()["code"] == "request_too_large"


@pytest.mark.parametrize("size", [300_000, 60_000_000])
def test_a_body_too_large_for_any_address_is_413_in_the_same_form(nginx: Nginx, size: int) -> None:
    answer = ask(nginx, "POST", "/wix/webhooks", Content_Length=str(size))

    assert answer.status == 413
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "request_too_large"


def test_wix_delivers_a_webhook(nginx: Nginx) -> None:
    instance = uuid.uuid4()
    token = wix_webhooks.token("AppInstalled", instance).encode()

    answer = ask(nginx, "POST", "/wix/webhooks", token, Content_Type="text/plain", Content_Length=str(len(token)))

    assert answer.status == 200
    assert WebhookDelivery.objects.filter(instance_id=instance).exists()


def test_a_long_list_is_compressed_and_a_page_of_the_desk_is_not(nginx: Nginx) -> None:
    script = ask(nginx, "GET", "/static/admin/js/vendor/jquery/jquery.js", Accept_Encoding="gzip")
    page = ask(nginx, "GET", "/admin/login/", Accept_Encoding="gzip")

    assert script.headers["Content-Encoding"] == "gzip"
    assert script.headers["Vary"] == "Accept-Encoding"
    assert b"jQuery" in gzip.decompress(script.body)
    assert page.headers["Content-Encoding"] is None


# --- Slow and many ----------------------------------------------------------------------------------------------------

_DRIPS = {
    "a head": f"GET /health/live HTTP/1.1\r\nHost: {NAME}\r\nX-Slow: ".encode(),
    "a body": request("POST", "/api/blog-generation", b'{"a', Host=NAME, Content_Length="60000"),
    "a body in chunks": request("POST", "/wix/webhooks", b"5\r\nab", Host=NAME, Transfer_Encoding="chunked"),
}


@pytest.fixture(params=_DRIPS)
def dripping(nginx: Nginx, request: pytest.FixtureRequest) -> Iterator[list[Any]]:
    """Clients that send a byte now and then. Yields the connections that nginx had kept to gunicorn before they came."""
    kept = _from_gunicorn(nginx)
    with ExitStack() as stack:
        clients = [stack.enter_context(nginx.connected(of=STRANGER)) for _ in range(_CLIENTS)]
        for client in clients:
            client.sendall(_DRIPS[request.param])
        # What nginx had read of them by now would have been passed on.
        ask(nginx, "GET", "/health/live")
        for client in clients:
            client.sendall(b"1")
        yield kept


def test_who_drips_waits_at_nginx_and_holds_nothing_of_gunicorn(nginx: Nginx, dripping: list[Any]) -> None:
    # One or two are nginx's own, for the requests that are asked here. Each of the clients would have one of its own.
    assert len(_from_gunicorn(nginx)) <= len(dripping) + 2 < _CLIENTS
    took, statuses = [], set()
    for _ in range(15):
        began = time.monotonic()
        statuses.add(ask(nginx, "GET", "/health/live").status)
        took.append(time.monotonic() - began)

    assert statuses == {200}
    assert median(took) < _MEDIAN_SECONDS, sorted(took)


def test_one_address_holds_fifty_connections_and_no_more(nginx: Nginx) -> None:
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(nginx.connected(of="127.0.0.3")).sendall(_DRIPS["a body"])

        refused = ask(nginx, "GET", "/health/live", of="127.0.0.3")
        other = ask(nginx, "GET", "/health/live", of="127.0.0.4")

    assert (refused.status, refused.json()["code"], refused.headers["Retry-After"]) == (429, "throttled", "5")
    assert other.status == 200


def test_logins_are_bounded_by_address(nginx: Nginx) -> None:
    statuses = [ask(nginx, "GET", "/admin/login/", of="127.0.0.5").status for _ in range(14)]

    assert statuses[:10] == [200] * 10
    assert statuses[-1] == 429


def test_requests_of_the_api_reach_it_over_connections_that_are_kept(nginx: Nginx) -> None:
    authorization = f"Bearer {signed(payload())}"
    for _ in range(5):
        assert ask(nginx, "GET", "/api/credits", Authorization=authorization).status == 200

    assert 1 <= len(_from_gunicorn(nginx)) <= 2


# --- Behind it something is wrong -------------------------------------------------------------------------------------


def test_while_no_web_process_listens_callers_are_told_to_come_again(nginx_before: Callable[..., Nginx]) -> None:
    answer = ask(nginx_before(1), "POST", "/api/blog-generation", b"{}", Content_Length="2")

    assert answer.status == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "5"
    assert (answer.json()["code"], answer.json()["retryable"]) == ("unavailable", True)


def test_an_answer_that_does_not_come_is_told_as_such(nginx_before: Callable[..., Nginx]) -> None:
    """Something listens, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        nginx = nginx_before(silent.getsockname()[1], proxy_read_timeout="1s")

        answer = ask(nginx, "GET", "/api/credits")

    assert (answer.status, answer.json()["code"]) == (504, "timeout")
