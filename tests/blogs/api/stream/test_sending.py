"""A stream that ends while its caller is still told of the past hides no event of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from blogs.api.stream import sending, stored
from blogs.api.stream.listeners import Listener, Wish
from blogs.api.stream.wording import CLOSED, message, told
from blogs.models import BlogGeneration, GenerationEvent
from tests.support import factories
from wix.identity.standing import Standing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def blog() -> BlogGeneration:
    return factories.done_generation(factories.site())


def _sent(blog: BlogGeneration, meanwhile: Callable[[Listener], None], *, joined_before: int = 1) -> list[str]:
    """Send a blog's stream that was joined before its last event. `meanwhile`: what happens before its past is told."""
    wish = Wish(Standing(blog.site_id), blog.pk, None)
    events = stored.missed(site=blog.site_id, blog=blog.pk, after=0, upto=stored.highest())
    past, dealt = events[: len(events) - joined_before], events[len(events) - joined_before :]
    chunks = list[bytes]()

    async def send(data: bytes) -> None:
        chunks.append(data)

    async def whole() -> None:
        listener = Listener(wish)
        for event in dealt:
            listener.offer(told(event))
        meanwhile(listener)
        with ThreadPoolExecutor(1) as threads:
            await sending.send_stream(wish, threads, send, listener, past[-1].id)

    asyncio.run(whole())
    lines = b"".join(chunks).decode().splitlines()
    return [line.partition(": ")[2] for line in lines if line.startswith(("id:", "event: stream."))]


def test_a_blog_that_ends_while_its_stream_begins_is_told_from_its_beginning(blog: BlogGeneration) -> None:
    numbers = GenerationEvent.objects.filter(generation=blog).order_by("pk").values_list("pk", flat=True)

    assert _sent(blog, Listener.finish) == ["stream.opened", *map(str, numbers)]


def test_a_blog_that_is_started_again_while_its_stream_begins_is_followed_on(blog: BlogGeneration) -> None:
    ended = list[bool]()

    def look(listener: Listener) -> None:
        ended.append(listener.ended)
        listener.end()

    def started_again(listener: Listener) -> None:
        listener.over = False
        asyncio.get_running_loop().call_later(0.3, look, listener)

    _sent(blog, started_again, joined_before=0)

    assert ended == [False]


def test_what_is_cut_off_tells_nothing_that_comes_later(blog: BlogGeneration) -> None:
    assert _sent(blog, Listener.end) == ["stream.opened"]


def test_who_is_cut_off_hears_why(blog: BlogGeneration) -> None:
    closing = message(CLOSED, {"code": "invalid_token"})

    assert _sent(blog, lambda listener: listener.end(closing)) == ["stream.opened", "stream.closed"]
