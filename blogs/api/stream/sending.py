"""Sends one stream: what its caller has missed, then what happens."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from django.conf import settings

from blogs.api.stream import stored
from blogs.api.stream.listeners import Listener, Wish
from blogs.api.stream.wording import OPENED, RESET, message, told
from workers.database.connections import released_afterwards

T = TypeVar("T")
# After how many milliseconds a caller comes back. Not the same for all, who may have been hung up on in the same moment.
_RETRY_MS = (2_000, 5_000)


async def send_stream(
    wish: Wish, threads: Executor, send: Callable[[bytes], Awaitable[None]], listener: Listener, position: int
) -> None:
    """Send until the stream ends. `position`: from there on the hub deals to this listener; what is older is read here."""
    loop = asyncio.get_running_loop()

    async def send_and_note(data: bytes) -> None:
        listener.busy_since = loop.time()
        await send(data)
        listener.busy_since = None

    async for chunk in _before(wish, listener, threads, position):
        await send_and_note(chunk)
        if listener.cut:
            listener.forget_line()
            break
    while (messages := await listener.next()) is not None:
        await send_and_note(messages)


async def _before(wish: Wish, listener: Listener, threads: Executor, position: int) -> AsyncIterator[bytes]:
    """Yield the stream's head and what its caller has missed; let the stream of a finished blog end."""
    after = wish.after
    lost = after is not None and await _is_lost(wish, after, position, threads)
    # Its number, so that who is cut off before the first event misses none.
    number = position if after is None and wish.blog is None else None
    yield message(OPENED, {"blog": wish.blog}, number=number, retry_ms=random.randint(*_RETRY_MS))
    if lost:
        listener.after = 0
        yield message(RESET, {"lastEventId": after}, number=position if wish.blog is None else None)
    if wish.blog is not None or (after is not None and not lost):
        # A blog's own history is short, and is told from its beginning.
        async for chunk in _missed(wish, 0 if lost else after or 0, position, threads):
            yield chunk
    if wish.blog is not None:
        was_over = await _ask(threads, partial(stored.is_over, wish.blog, position))
        # What was dealt meanwhile is newer: the blog may have been started again.
        if was_over if listener.over is None else listener.over:
            listener.finish()


async def _missed(wish: Wish, after: int, position: int, threads: Executor) -> AsyncIterator[bytes]:
    while after < position:
        page = await _ask(threads, partial(stored.missed, site=wish.site, blog=wish.blog, after=after, upto=position))
        if page:
            yield b"".join(map(told, page))
            after = page[-1].id
        if len(page) < stored.PAGE:
            return


async def _is_lost(wish: Wish, after: int, position: int, threads: Executor) -> bool:
    """Tell whether what came after this event can't be told: it is too long ago, or this database does not know the event."""
    if after > position:
        # Another process may be some events ahead of this one.
        return after > await _ask(threads, stored.highest)
    most = settings.LIVE_EVENTS_RESUME_MAX
    if wish.blog is not None or position - after <= most:
        return False
    # Numbers may have large gaps.
    return await _ask(threads, partial(stored.are_more_than, most, after, position))


async def _ask(threads: Executor, ask: Callable[[], T]) -> T:
    def and_release() -> T:
        with released_afterwards():
            return ask()

    return await asyncio.get_running_loop().run_in_executor(threads, and_release)
