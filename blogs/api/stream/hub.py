"""Deals what happens to all listeners of this process: the database is asked once for all of them.

It runs in the event loop, and asks the database on one thread. While there is no listener it asks nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.conf import settings

from blogs.api.stream import stored
from blogs.api.stream.listeners import Listener
from blogs.api.stream.wording import CLOSED, HEARTBEAT, Happened, message, told
from wix.identity import standing
from workers.database.connections import released_afterwards
from workers.database.outage import DATABASE_AWAY

logger = logging.getLogger(__name__)
T = TypeVar("T")

# While it waits for a transaction, which takes milliseconds.
_SOON_SECONDS = 0.03
_OUTAGE_SECONDS = 1.0
# A caller that takes nothing for this time has gone without a word, or reads too slowly.
STALLED_SECONDS = 30.0


class Hub:
    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "live-events-tail")
        self._tail = stored.Tail()
        # Up to here all listeners have been dealt what concerns them. None: nothing is known yet.
        self._position: int | None = None
        self._by_site = defaultdict[int, dict[Listener, Callable[[], None]]](dict)
        self._arrived = asyncio.Event()
        self._known = asyncio.Event()
        self._beat_at = self._checked_at = 0.0
        self._was_away = False
        self._is_ending = False

    # --- Called by the streams ----------------------------------------------------------------------------------------

    async def join(self, listener: Listener, abort: Callable[[], None]) -> int:
        """Deal to this listener what happens from now on. Return the number of the last event before: the caller tells of those.

        `abort`: called for a listener that does not take what it is sent.
        """
        self._by_site[listener.wish.site][listener] = abort
        self._arrived.set()
        if self._is_ending:
            listener.end()
        while self._position is None:
            await self._known.wait()
        return self._position

    def leave(self, listener: Listener) -> None:
        of_site = self._by_site.get(listener.wish.site, {})
        of_site.pop(listener, None)
        if not of_site:
            self._by_site.pop(listener.wish.site, None)

    def end_all(self) -> None:
        """Let all streams end, and those that are only being opened; their callers come back to the process that follows."""
        self._is_ending = True
        self._hang_up_on_all()

    # --- The loop -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        while True:
            await self._arrived.wait()
            pause = await self._turn()
            if not self._by_site:
                self._forget()
            await asyncio.sleep(pause)

    async def _turn(self) -> float:
        """Deal what is new, look after the listeners, and return how long to pause."""
        try:
            if self._was_away and await self._in_thread(self._has_gone_back):
                self._begin_again()
            await self._close_lapsed()
            # Last, because what it returns is told by nothing else.
            new = await self._in_thread(self._tail.read)
        except DATABASE_AWAY as error:
            if not self._was_away:
                logger.warning(
                    "live events wait for the database", extra={"action": "outage", "error": str(error)[:200]}
                )
            self._was_away = True
            self._beat()
            return _OUTAGE_SECONDS
        self._was_away = False
        await self._deal(new)
        self._beat()
        is_behind = self._tail.waits or len(new) == stored.PAGE
        return _SOON_SECONDS if is_behind else settings.LIVE_EVENTS_POLL_SECONDS

    async def _in_thread(self, ask: Callable[[], T]) -> T:
        def and_release() -> T:
            with released_afterwards():
                return ask()

        return await asyncio.get_running_loop().run_in_executor(self._thread, and_release)

    async def _deal(self, new: list[Happened]) -> None:
        newest_of = {event.blog: event.id for event in new}
        for event in new:
            if listeners := self._by_site.get(event.site):
                words = told(event)
                # A blog that was failed and tried again within one reading is not at its end.
                is_newest = newest_of[event.blog] == event.id
                for listener, abort in list(listeners.items()):
                    self._offer(listener, abort, event, words, is_newest)
                # Or a burst would be dealt before anyone can be sent the beginning of it.
                await asyncio.sleep(0)
            self._position = event.id
        if self._tail.position is not None:
            self._position = self._tail.position
            self._known.set()

    def _offer(
        self, listener: Listener, abort: Callable[[], None], event: Happened, words: bytes, is_newest: bool
    ) -> None:
        if event.id <= listener.after or listener.wish.blog not in (None, event.blog):
            return
        if not listener.offer(words):
            self._drop(listener, abort, "it is too far behind")
            return
        listener.over = event.is_over
        if listener.wish.blog is not None and event.is_over and is_newest:
            listener.finish()

    def _beat(self) -> None:
        """Send a heartbeat to all when its time has come, and hang up on those who take nothing."""
        now = asyncio.get_running_loop().time()
        if now - self._beat_at < settings.LIVE_EVENTS_HEARTBEAT_SECONDS:
            return
        self._beat_at = now
        for listener, abort in list(self._all()):
            stalled = listener.busy_since is not None and now - listener.busy_since > STALLED_SECONDS
            if stalled or not listener.offer(HEARTBEAT):
                self._drop(listener, abort, "it takes nothing")

    def _drop(self, listener: Listener, abort: Callable[[], None], because: str) -> None:
        """Hang up on a caller. It comes back with the number of the last event that it has, and misses nothing."""
        logger.info("listener dropped", extra={"action": "dropped", "site": listener.wish.site, "because": because})
        self.leave(listener)
        listener.end()
        abort()

    async def _close_lapsed(self) -> None:
        """End the streams of callers whose credential has ended or was revoked, or whose site has removed the app."""
        now = asyncio.get_running_loop().time()
        if now - self._checked_at < settings.LIVE_EVENTS_RECHECK_SECONDS:
            return
        all_standings = {listener.wish.standing for listener, _ in self._all()}
        lapsed = await self._in_thread(lambda: standing.lapsed(all_standings))
        self._checked_at = now
        for listener, _ in list(self._all()):
            if listener.wish.standing in lapsed:
                listener.end(message(CLOSED, {"code": "invalid_token"}))

    def _has_gone_back(self) -> bool:
        """Tell whether the database lacks what it had: it was restored, or another server has taken over."""
        return self._tail.position is not None and stored.highest() < self._tail.position

    def _hang_up_on_all(self) -> None:
        for listener, _ in self._all():
            listener.end()

    def _begin_again(self) -> None:
        """Hang up on all. Each comes back, and hears whether events are missing."""
        self._hang_up_on_all()
        self._tail, self._position = stored.Tail(), None
        self._known.clear()

    def _forget(self) -> None:
        """Stop asking until the next listener comes."""
        self._arrived.clear()
        self._tail, self._position = stored.Tail(), None
        self._known.clear()

    def _all(self) -> Iterator[tuple[Listener, Callable[[], None]]]:
        for of_site in self._by_site.values():
            yield from of_site.items()
