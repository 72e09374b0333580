"""The same over TLS, where the connection that is read from is another than the one that was opened."""

from __future__ import annotations

import shutil
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import httpx2
import pytest
import requests

from workers.context.deadline import DeadlineExceeded, within
from workers.outbound import transports
from workers.outbound.transports import Httpx2Transport, HttpxTransport, RequestsAdapter

_DRIPS_SECONDS = 20
_PATIENCE_SECONDS = 5

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")


class _Handler(socketserver.StreamRequestHandler):
    """/whole is answered; anything else gets a header without an end."""

    def handle(self) -> None:
        if b"/whole" in self.rfile.readline():
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Patience: ")
        over = threading.Event()
        for _ in range(_DRIPS_SECONDS * 10):
            over.wait(0.1)
            try:
                self.wfile.write(b".")
            except OSError:
                return


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With its key in the same file."""
    pem = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", f"{pem}.key", "-out", f"{pem}.crt"]
    subprocess.run([*command, *files], check=True, capture_output=True)
    pem.write_text(Path(f"{pem}.key").read_text() + Path(f"{pem}.crt").read_text())
    return pem


@pytest.fixture
def url(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    transports.trusted.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://localhost:{server.server_address[1]}"
        server.shutdown()
    transports.trusted.cache_clear()


def by_httpx2(url: str, certificate: Path) -> str:
    with httpx2.Client(transport=Httpx2Transport()) as client:
        return client.get(url).text


def by_httpx(url: str, certificate: Path) -> str:
    with httpx.Client(transport=HttpxTransport()) as client:
        return client.get(url).text


def by_requests(url: str, certificate: Path) -> str:
    with requests.Session() as session:
        session.mount("https://", RequestsAdapter())
        return session.get(url, verify=str(certificate), timeout=30).text


@pytest.mark.parametrize("ask", [by_httpx2, by_httpx, by_requests])
def test_over_tls_a_whole_answer_arrives_and_a_dripping_one_ends_at_the_deadline(
    url: str, certificate: Path, ask: Callable[[str, Path], str]
) -> None:
    with within(30):
        assert ask(f"{url}/whole", certificate) == "ok"
    began = time.monotonic()

    with (
        pytest.raises((DeadlineExceeded, httpx2.TimeoutException, httpx.TimeoutException, requests.Timeout)),
        within(0.7),
    ):
        ask(f"{url}/drip", certificate)

    assert 0.7 <= time.monotonic() - began < _PATIENCE_SECONDS
