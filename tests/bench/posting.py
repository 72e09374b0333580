"""Many connections that post at once and cost little themselves: each answer's status and seconds.

A client library would use as much of two shared cores as the server that is measured.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Answers:
    """What came back: how often each status, the seconds of each answer, and how long it all took."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    lost: int = 0
    took: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.took

    def quantile(self, share: float) -> float:
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


def request(path: str, token: str, body: bytes = b"", *, method: str = "POST", more: str = "") -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    )
    return head.encode() + body


def post_all(port: int, requests: Iterable[bytes], *, connections: int) -> Answers:
    """Send all of these as fast as the answers come, over this many connections."""
    return asyncio.run(_post_all(port, requests, connections))


async def _post_all(port: int, requests: Iterable[bytes], connections: int) -> Answers:
    answers, waiting = Answers(), iter(requests)
    began = time.perf_counter()
    await asyncio.gather(*[_work(port, waiting, answers) for _ in range(connections)])
    answers.took = time.perf_counter() - began
    return answers


async def _work(port: int, waiting: Iterator[bytes], answers: Answers) -> None:
    connection = Connection(port)
    for sent in waiting:
        await connection.ask(sent, answers)
    connection.close()


class Connection:
    """One connection that is opened when it is needed, and again where the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, sent: bytes, answers: Answers) -> None:
        """Send a request, and note its answer."""
        began = time.perf_counter()
        try:
            self._open = self._open or await asyncio.open_connection("127.0.0.1", self._port)
            self._open[1].write(sent)
            status, stays = await _read_answer(self._open[0])
        except (OSError, EOFError):
            answers.lost += 1
            self._open = None
            return
        answers.statuses[status] += 1
        answers.seconds.append(time.perf_counter() - began)
        if not stays:
            self.close()

    def close(self) -> None:
        if self._open:
            self._open[1].close()
            self._open = None


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Return an answer's status, and whether the connection stays open."""
    head = await reader.readuntil(b"\r\n\r\n")
    if found := _LENGTH.search(head):
        await reader.readexactly(int(found[1]))
    return int(head[9:12]), b"\r\nconnection: close" not in head.lower()
