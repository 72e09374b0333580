"""gunicorn's worker of threads with one rule more: no thread waits for a client.

gunicorn's own gives a connection to a thread with its first byte, and the thread waits for the rest as long as the client likes;
so forty clients that send a byte a second, or take none of an answer, stop every address. Here the main loop takes a request in
until it is whole, then a thread answers it, and the main loop sends what the client doesn't take at once. Each of these has a
deadline, and so has hanging up.

Looked at first: gevent's worker would patch the threads and locks under psycopg2; waitress takes requests in like this, but as
one process, and has no deadline for one; a proxy (deploy/nginx.conf) does it in production, and not in front of `make run`.
"""

from __future__ import annotations

import errno
import logging
import re
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.http.errors import UnsupportedTransferCoding
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from config import gunicorn
from config.web import refusals
from config.web.arrival import Arrival
from config.web.connection import Client
from config.web.turns import SITE, ByAddress, Shares, Turns
from wix.identity import site_limits
from workers import metrics

logger = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS = 0.01
# After an answer that ends a connection: the client has this long to hang up, and may send this much meanwhile.
_LINGER_SECONDS, _LINGER_BYTES = 2.0, 64 * 1024
# A process that ends waits no longer for its last counts to be written.
_LAST_COUNTS_SECONDS = 3.0
_CREDENTIAL = re.compile(rb"\r\nauthorization:[ \t]*([^\r\n]+)\r\n", re.IGNORECASE)
_CLOSES = re.compile(rb"\A[^\r\n]* HTTP/1\.0\r\n|\r\nconnection:[^\r\n]*close", re.IGNORECASE)
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class WebWorker(ThreadWorker):
    """Overrides the places where gunicorn would give a connection to a thread too early, or wait for it in the main loop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # In the order in which they began to keep us waiting.
        self.waiting: dict[Client, Callable[[Client], None]] = {}
        # The same by address, and those whose requests are here and wait for a thread.
        self.waited_for, self.in_line = ByAddress[Client](), Turns[Client]()
        # How many requests of each site are here, waiting for a thread or answered by one.
        self.at_once: Counter[str] = Counter()
        self.at_once_max = 0
        self.shares = Shares(self.cfg.threads)
        self.body_max = 0

    def run(self) -> None:
        # Only here is Django ready.
        from django.conf import settings

        from blogs.api.webhooks import BODY_MAX_BYTES
        from blogs.queue.forecast import promises
        from workers.database import process_counts

        self.shares = Shares(self.cfg.threads, settings.TRUSTED_PROXIES)
        self.at_once_max = settings.SITE_REQUESTS_AT_ONCE
        self.body_max = max(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, BODY_MAX_BYTES)
        about = {"release": settings.RELEASE, "bind": ",".join(map(str, self.sockets)), "threads": self.cfg.threads}
        logger.info("web process started", extra={"action": "serving", "processes": self.cfg.workers, **about})
        stopping = threading.Event()
        counts = threading.Thread(target=process_counts.keep_written, args=(stopping, promises.write), daemon=True)
        counts.start()
        try:
            super().run()
        finally:
            stopping.set()
            counts.join(_LAST_COUNTS_SECONDS)

    def accept(self, listener: socket.socket) -> None:
        try:
            sock, peer = listener.accept()
        except OSError as error:
            if error.errno in _NO_ROOM:
                self._make_room()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        if self.nr_conns > self.worker_connections // 2:
            self._make_room()
        self._expect_request(Client(self.cfg, sock, peer, listener.getsockname(), self.shares.address_of(peer)))

    def _make_room(self) -> None:
        """Hang up on one connection of the address that has most, so that no number of them keeps the others out: on the one
        that has kept us waiting longest. Where it is requests that wait for us, the last one has to come back."""
        late, in_line = self.waited_for.longest(), self.in_line.longest()
        if len(late) >= len(in_line):
            if late:
                self._drop(next(iter(late)))
        elif self.nr_conns > self.worker_connections * 7 // 8:
            last = next(reversed(in_line))
            last.say(refusals.NO_THREAD.answer())
            self.in_line.discard(last.line, last)
            self._leave(last)
            self._drop(last)

    # --- A request comes in -------------------------------------------------------------------------------------------

    def _expect_request(self, client: Client, seconds: float = gunicorn.request_header_seconds) -> None:
        client.arrival = Arrival(self.body_max)
        self._wait(client, selectors.EVENT_READ, seconds, self._read, self._request_is_late)
        if read_ahead := client.parser.unreader.take_buffered():
            self._take(client, read_ahead)

    def _read(self, client: Client) -> None:
        data = client.received()
        if data == b"":
            self._drop(client)
        elif data:
            self._take(client, data)

    def _take(self, client: Client, data: bytes) -> None:
        arrival, now = client.arrival, time.monotonic()
        assert arrival
        had_head = arrival.has_head
        if not arrival.received:
            client.ends_at = now + gunicorn.request_header_seconds
        arrival.take(data)
        if arrival.head_is_too_large:
            self._refuse(client, refusals.HEAD_TOO_LARGE)
        elif arrival.is_complete:
            self._answer(client, bytes(arrival.received))
        elif arrival.has_head and not had_head:
            client.ends_at = now + gunicorn.request_body_seconds
            if arrival.expects_continue:
                client.say(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _answer(self, client: Client, request: bytes) -> None:
        site = _site_of(request)
        client.line = client.address if site is None else f"{SITE}{site}"
        self.shares.saw(client.line)
        if site is not None and (refusal := self._is_too_much(client.line, site)):
            self._put_off(client, request, refusal)
            return
        self._stop_waiting(client)
        client.arrival = None
        client.parser.unreader.arrive(request)
        self.at_once[client.line] += 1
        self.in_line.add(client.line, client)
        self._fill_threads()

    def _is_too_much(self, line: str, site: int) -> refusals.Refusal | None:
        """Return the refusal for a site that is over a limit of its own, by what this process remembers."""
        if seconds := site_limits.seconds_over(site):
            return refusals.throttled(seconds)
        return refusals.AT_ONCE if self.at_once[line] >= self.at_once_max else None

    def _put_off(self, client: Client, request: bytes, refusal: refusals.Refusal) -> None:
        """Refuse a request without a thread. The connection stays where it is plain where the next request begins."""
        assert client.arrival
        stays = self.alive and client.arrival.is_alone and not _CLOSES.search(request)
        metrics.count(metrics.REQUESTS, "unrouted", metrics.OTHER, str(refusal.http))
        client.say(refusal.answer(stays=stays, to_head=request.lstrip(b"\r\n").startswith(b"HEAD ")))
        self._stop_waiting(client)
        if stays:
            self._expect_request(client, self.cfg.keepalive)
        else:
            self._hang_up(client)

    def _leave(self, client: Client) -> None:
        """Count a request no more: it was answered, or is given up."""
        self.at_once[client.line] -= 1
        if not self.at_once[client.line]:
            del self.at_once[client.line]

    def _fill_threads(self) -> None:
        while self.shares.has_free_thread and (client := self.in_line.take(self.shares.may_begin)):
            self.shares.begins(client.line)
            client.began_at = time.monotonic()
            self.enqueue_req(client)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Called by gunicorn's loop. Come back soon for requests whose sites rest."""
        some_rest = bool(self.in_line) and self.shares.has_free_thread
        timeout = min(timeout, _LOOK_AGAIN_SECONDS) if some_rest else timeout
        super().wait_for_and_dispatch_events(timeout)
        if some_rest:
            self._fill_threads()

    def _request_is_late(self, client: Client) -> None:
        if client.arrival and client.arrival.received:
            self._refuse(client, refusals.TOO_SLOW)
        else:
            self._drop(client)

    def _refuse(self, client: Client, refusal: refusals.Refusal) -> None:
        client.say(refusal.answer())
        self._stop_waiting(client)
        self._hang_up(client)

    # --- A thread answers it ------------------------------------------------------------------------------------------

    def handle_request(self, req: Any, conn: Client) -> Any:
        # The main loop has said so.
        req._expected_100_continue = False
        if any(name == "TRANSFER-ENCODING" and value.strip().lower() != "chunked" for name, value in req.headers):
            # gunicorn takes `gzip, chunked`, and nothing would unpack the body.
            raise UnsupportedTransferCoding("only chunked")
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what gunicorn's parser refuses, and what breaks outside Django. gunicorn's own would answer in HTML."""
        refusal = refusals.of(exc)
        if refusal is None:
            self.log.error("Error handling request %s", getattr(req, "uri", "(no URI read)"), exc_info=exc)
        with suppress(OSError):
            client.sendall((refusal or refusals.BROKEN).answer())

    def _keepalive_after(self, conn: Client, keepalive: Any) -> bool:
        # After a request of which a part is missing, there is no telling where the next one begins.
        return bool(super()._keepalive_after(conn, keepalive)) and not conn.parser.unreader.ran_dry

    # --- The answer goes out ------------------------------------------------------------------------------------------

    def finish_request(self, conn: Client, fs: Future[Any]) -> None:
        self.shares.ends(conn.line, time.monotonic() - conn.began_at)
        self._leave(conn)
        self._fill_threads()
        if conn.sock.fileno() < 0:
            # gunicorn closed it in the middle of an answer that broke.
            self.nr_conns -= 1
            return
        conn.stays = not fs.cancelled() and not fs.exception() and bool(fs.result())
        if conn.sock.unsent:
            self._wait(conn, selectors.EVENT_WRITE, gunicorn.response_seconds, self._send_on, self._drop)
        self._send_on(conn)

    def _send_on(self, client: Client) -> None:
        try:
            client.sock.send_on()
        except OSError:
            self._drop(client)
            return
        if client.sock.unsent:
            return
        self._stop_waiting(client)
        if client.stays:
            self._expect_request(client, self.cfg.keepalive if self.alive else STOP_KEEPALIVE_LINGER)
        else:
            self._hang_up(client)

    def _hang_up(self, client: Client) -> None:
        """Close our side, and the other once the client has closed it: one that still sends would lose the answer."""
        self._wait(client, selectors.EVENT_READ, _LINGER_SECONDS, self._discard, self._drop)
        try:
            client.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(client)

    def _discard(self, client: Client) -> None:
        data = client.received()
        client.discarded += len(data or b"")
        if data == b"" or client.discarded > _LINGER_BYTES:
            self._drop(client)

    # --- Waiting ------------------------------------------------------------------------------------------------------

    def _wait(
        self,
        client: Client,
        event: int,
        seconds: float,
        ready: Callable[[Client], None],
        late: Callable[[Client], None],
    ) -> None:
        client.ends_at = time.monotonic() + seconds
        client.sock.setblocking(False)
        self.waiting[client] = late
        self.waited_for.add(client.address, client)
        self.poller.register(client.sock, event, partial(self._unless_dropped, client, ready))

    def _unless_dropped(self, client: Client, ready: Callable[[Client], None], _: Any) -> None:
        """Call `ready`, unless another event of the same round has ended the connection."""
        if client in self.waiting:
            ready(client)

    def _stop_waiting(self, client: Client) -> None:
        if self.waiting.pop(client, None):
            self.waited_for.discard(client.address, client)
            self.poller.unregister(client.sock)

    def _cap_keepalive(self, deadline: float) -> None:
        """Called by gunicorn when this process is to end: wait no longer for requests of which nothing has come. Each connection
        that a proxy keeps open would hold the end up for as long as a process may take."""
        for client in self.waiting:
            if client.arrival and not client.arrival.received:
                client.ends_at = min(client.ends_at, deadline)

    def _drop(self, client: Client) -> None:
        self._stop_waiting(client)
        self.nr_conns -= 1
        client.close()

    def murder_pending(self) -> None:
        """Called by gunicorn's loop after each round of events, and once a second."""
        now = time.monotonic()
        for client in [client for client in self.waiting if client.ends_at <= now]:
            if late := self.waiting.get(client):
                late(client)


def _site_of(request: bytes) -> int | None:
    """Return the site that this request's credential was let in for lately."""
    found = _CREDENTIAL.search(request, 0, request.find(b"\r\n\r\n") + 2)
    return site_limits.site_of(found[1].strip()) if found else None
