"""Live events behind the shipped nginx: each comes at once, and a stream's process knows who asks as a web process does."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from blogs.queue import lifecycle
from tests.support import factories
from tests.support.live_events import serving
from tests.support.nginx import NAME, SETTINGS, Nginx
from tests.support.web_server import request
from wix.identity.signed_instance import sign_instance
from wix.models import Site

pytestmark = [pytest.mark.slow_process, pytest.mark.django_db(transaction=True)]


def _until(client: ssl.SSLSocket, end: bytes) -> bytes:
    """Read up to these bytes. Raises TimeoutError, where they are kept back."""
    received = b""
    while end not in received:
        data = client.recv(65_536)
        assert data, received
        received += data
    return received


def _asks(path: str, site: Site) -> bytes:
    credential = f"Bearer {sign_instance(site.instance_id)}"
    return request("GET", path, Host=NAME, Authorization=credential, Accept_Encoding="gzip")


@pytest.mark.parametrize("end", ["", "/"])
def test_each_event_is_passed_on_while_the_stream_goes_on(nginx_before_events: Nginx, end: str) -> None:
    site = factories.site()
    with nginx_before_events.connected(seconds=8) as stream:
        stream.sendall(_asks(f"/api/events{end}", site))
        opened = _until(stream, b"stream.opened")
        blog = factories.pending_generation(site)
        _until(stream, b"blog.queued")
        lifecycle.cancel(blog.pk, by="test")
        _until(stream, b"blog.cancelled")

    assert opened.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-encoding" not in opened.lower()


def test_a_blogs_own_stream_ends_at_nginx_too(nginx_before_events: Nginx) -> None:
    site = factories.site()
    blog = factories.done_generation(site)
    with nginx_before_events.connected(seconds=8) as stream:
        stream.sendall(_asks(f"/api/blog-generation/{blog.pk}/events", site))

        assert b"blog.completed" in _until(stream, b"\r\n0\r\n\r\n")


def _open(stack: ExitStack, nginx: Nginx, site: Site, *, of: str) -> bytes:
    """Open a stream from an address, for as long as the stack lives; return the head of the answer."""
    stream = stack.enter_context(nginx.connected(of=of, seconds=8))
    stream.sendall(_asks("/api/events", site))
    return _until(stream, b"\r\n\r\n")


def test_who_listens_from_an_address_takes_none_of_its_other_connections(nginx_before_events: Nginx) -> None:
    with ExitStack() as stack:
        for site in [factories.site() for _ in range(3)]:
            for _ in range(20):
                assert _open(stack, nginx_before_events, site, of="127.0.0.6").startswith(b"HTTP/1.1 200 ")

        other = stack.enter_context(nginx_before_events.connected(of="127.0.0.6", seconds=8))
        other.sendall(request("GET", "/health/live", Host=NAME))

        assert _until(other, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_the_streams_of_an_address_have_a_bound_of_their_own(gunicorn: int, nginx_before: Callable[..., Nginx]) -> None:
    with serving(**SETTINGS) as live, ExitStack() as stack:
        nginx = nginx_before(gunicorn, events=live.port, **{"limit_conn blogs_streams": "3"})
        site = factories.site()

        heads = [_open(stack, nginx, site, of="127.0.0.7") for _ in range(4)]
        others = _open(stack, nginx, site, of="127.0.0.8")

    assert [head.split(b" ")[1] for head in [*heads, others]] == [b"200", b"200", b"200", b"429", b"200"]
    assert b"\r\nRetry-After: 5\r\n" in heads[-1]


def test_while_no_process_serves_them_callers_are_told_to_come_again(nginx: Nginx) -> None:
    with nginx.connected(seconds=8) as client:
        client.sendall(_asks("/api/events", factories.site()))
        answer = _until(client, b"requestId")

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 5\r\n" in answer
