"""The ways a connection or a body breaks. The product must survive all of them, so they are made for real."""

from __future__ import annotations

import asyncio
import functools
import gzip
import json
import socket
import struct
import time
import zlib
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.sandbox.faults import Fault
from tests.sandbox.world import World

Work = Callable[[], Awaitable[web.Response]]

# A client that has gone is noticed this late; finer would only burn processor time while 300 connections are held.
_NOTICE_SECONDS = 0.25
_DRIP_SECONDS = 0.2
_HTML = "<!doctype html><html><head><title>One moment…</title></head><body><h1>We'll be right back</h1></body></html>"


async def spoil(world: World, fault: Fault, request: web.Request, work: Work) -> web.StreamResponse:
    match fault.kind:
        case "timeout":
            await hold(world, request, fault.seconds)
            return hang_up(request)
        case "reset":
            return reset(request)
        case "drip":
            return await drip(world, request, fault.seconds)
        case "drip_headers":
            return await drip_headers(world, request, fault.seconds)
        case "truncated":
            return await truncate(request, await work())
        case "wrong_json":
            return web.json_response({"object": "list", "data": [], "has_more": False})
        case "invalid_json":
            return web.Response(text='{"id": "abc", "choices": [', content_type="application/json")
        case "html":
            return web.Response(text=_HTML, content_type="text/html")
        case "redirect":
            return web.Response(status=302, headers={"Location": "https://elsewhere.example/"})
        case "gzip_bomb":
            headers = {"Content-Type": "application/json", "Content-Encoding": "gzip, gzip"}
            return web.Response(body=bomb(), headers=headers)
        case "after_success":
            await work()
            await hold(world, request, fault.seconds)
            return reset(request)
        case unknown:
            raise AssertionError(unknown)


@functools.cache
def bomb(megabytes: int = 256) -> bytes:
    """A JSON text of many spaces, encoded twice: less than two kilobytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    spaces = b" " * 1024 * 1024
    once = b"".join(packer.compress(spaces) for _ in range(megabytes)) + packer.compress(b"{}") + packer.flush()
    return gzip.compress(once)


def is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def hold(world: World, request: web.Request, seconds: float) -> None:
    """Waits until the time is over, the client has gone or the server stops."""
    until = time.monotonic() + seconds
    while not is_gone(request) and (left := until - time.monotonic()) > 0:
        try:
            await asyncio.wait_for(world.stopping.wait(), min(left, _NOTICE_SECONDS))
        except TimeoutError:
            continue
        return


def hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=499)


def reset(request: web.Request) -> web.Response:
    """Closes with a TCP RST: with a linger time of zero the kernel throws away what is unsent."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=499)


async def drip(world: World, request: web.Request, seconds: float) -> web.StreamResponse:
    """A byte every 0.2 s: no single read times out, only a deadline for the whole call ends it."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = 10_000
    await response.prepare(request)
    until = time.monotonic() + seconds
    while time.monotonic() < until and not is_gone(request) and not world.stopping.is_set():
        await response.write(b" ")
        await hold(world, request, _DRIP_SECONDS)
    hang_up(request)
    return response


async def drip_headers(world: World, request: web.Request, seconds: float) -> web.Response:
    """The same before there is a body: a header that goes on and on."""
    until = time.monotonic() + seconds
    left = iter(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Patience: " + b"." * 10_000)
    while time.monotonic() < until and not is_gone(request) and not world.stopping.is_set():
        assert request.transport is not None
        request.transport.write(bytes([next(left)]))
        await hold(world, request, _DRIP_SECONDS)
    return hang_up(request)


async def truncate(request: web.Request, whole: web.Response) -> web.StreamResponse:
    body = whole.body if isinstance(whole.body, bytes) else json.dumps({}).encode()
    response = web.StreamResponse(status=whole.status, headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    hang_up(request)
    return response
