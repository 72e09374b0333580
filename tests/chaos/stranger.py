"""One stranger who tries to stop everybody: `python -m tests.chaos.stranger URL TOKEN FILE`, until SIGTERM.

Posts requests that are expensive to read, sends false dashboard tokens, and drips bytes, all at once. In a process of its own, so
that it keeps no measurement waiting. At the end it writes to FILE how often it was answered what.
"""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import sys
import time
import uuid
from collections import Counter
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

_POSTERS, _TOKEN_CONNECTIONS, _DRIPPERS = 4, 100, 40
_TOKENS_A_SECOND = 20
_DRIP_SECONDS = 0.5
_PATIENCE_SECONDS = 30
# 64 KB with the words around it, and nothing that NFC could put together.
_MARKS = "a" + "\u0301" * 16_000 + "\u0316" * 16_000
_SLOW = (
    b"GET /api/credits HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    b"POST /api/blog-generation HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{",
    b"POST /wix/webhooks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\ne",
)


class Stranger:
    def __init__(self, url: str, token: str) -> None:
        address = urlsplit(url)
        self._host, self._port, self._token = str(address.hostname), int(address.port or 80), token
        self.answers: Counter[str] = Counter()

    async def attack(self) -> None:
        posters = [self._post_marks() for _ in range(_POSTERS)]
        tokens = [self._send_tokens(number) for number in range(_TOKEN_CONNECTIONS)]
        drips = [self._drip(_SLOW[number % len(_SLOW)]) for number in range(_DRIPPERS)]
        await asyncio.gather(*posters, *tokens, *drips)

    async def _post_marks(self) -> None:
        body = json.dumps({"sourceType": "prompt", "sourceId": _MARKS}, ensure_ascii=False).encode()
        while True:
            await self._ask("marks", "POST", "/api/blog-generation", f"Bearer {self._token}", body)

    async def _send_tokens(self, number: int) -> None:
        await asyncio.sleep(number / _TOKENS_A_SECOND)
        while True:
            await asyncio.gather(
                self._ask("token", "GET", "/api/credits", _false_token(plausible=number % 2 == 0)),
                asyncio.sleep(_TOKEN_CONNECTIONS / _TOKENS_A_SECOND),
            )

    async def _drip(self, first: bytes) -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(self._host, self._port)
                writer.write(first)
                ended = asyncio.ensure_future(reader.read(1_000))
                while not ended.done():
                    writer.write(b"1")
                    await asyncio.wait([ended], timeout=_DRIP_SECONDS)
                writer.close()
                self._count("drip", ended.result() if ended.exception() is None else b"")
            await asyncio.sleep(0.1)

    async def _ask(self, what: str, method: str, path: str, authorization: str, body: bytes = b"") -> None:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {authorization}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                reader, writer = await asyncio.open_connection(self._host, self._port)
                writer.write(head.encode() + body)
                self._count(what, await reader.read(-1))
                writer.close()
        except (OSError, TimeoutError):
            self._count(what, b"")
            await asyncio.sleep(0.1)

    def _count(self, what: str, answer: bytes) -> None:
        words = answer.split(b" ", 2)
        self.answers[f"{what} {words[1].decode('latin-1') if len(words) > 2 else 'none'}"] += 1


def _false_token(*, plausible: bool) -> str:
    """Every one is another. What is plausible has the form of Wix's own, and only Wix can tell."""
    if not plausible:
        return f"OauthNG.JWS.{uuid.uuid4().hex}.{uuid.uuid4().hex}.x"
    claims = {"data": json.dumps({"instance": {"instanceId": str(uuid.uuid4())}}), "exp": int(time.time()) + 3_600}
    parts = ({"alg": "HS256", "kid": "x"}, {**claims, "iat": int(time.time())})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join(["OauthNG.JWS", *encoded, uuid.uuid4().hex])


async def _until_told_to_stop(stranger: Stranger) -> None:
    attack = asyncio.ensure_future(stranger.attack())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, attack.cancel)
    with suppress(asyncio.CancelledError):
        await attack


def main(url: str, token: str, file: str) -> None:
    stranger = Stranger(url, token)
    asyncio.run(_until_told_to_stop(stranger))
    Path(file).write_text(json.dumps(stranger.answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
