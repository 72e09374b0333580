"""Whether the providers are stand-ins, which cost nothing, and what a load test would cost where they are not."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings

from blogs.load_test.asking import Unanswered, ask, session
from blogs.providers import ordinary_blog

_NAMES = ("OPENAI_BASE_URL", "REPLICATE_BASE_URL", "WIX_BASE_URL")


def real() -> list[str]:
    """Name the settings that lead to something else than our stand-ins, each with why it is taken for real.

    An address inside the own network is not enough: a gateway to a paid provider may stand there. The stand-ins say who they are.
    """
    return [f"{name} ({why})" for name in _NAMES for why in _reasons(getattr(settings, name))]


def cost(blogs: int) -> str:
    use = ordinary_blog.use()
    tokens, requests = use["openai", "tokens"], use["openai", "requests"]
    return (
        f"{blogs:,} blogs are about {blogs * requests:,.0f} calls and {blogs * tokens:,.0f} tokens of {settings.OPENAI_MODEL},"
        f" {blogs:,} pictures of {settings.REPLICATE_MODEL}, {blogs:,} draft posts on the shops' sites at Wix,"
        f" and {blogs * settings.BLOG_CREDITS:,} of the shops' credits"
    )


def show_to_stand_ins(instance_id: str, name: str) -> None:
    """Make a shop known at Wix's stand-in, with three products. Raises Unanswered."""
    shop = {
        "instanceId": instance_id,
        "name": name,
        "language": "en",
        "catalogVersion": "V3_CATALOG",
        "products": [_product(instance_id, number) for number in range(3)],
    }
    url = f"{_origin(settings.WIX_BASE_URL)}/sandbox/shops"
    with session() as own:
        answer = ask(own, "POST", url, json=shop)
    if answer.status_code != 201:
        raise Unanswered(f"POST {url}: {answer.status_code}")


def _product(instance_id: str, number: int) -> dict[str, object]:
    kind = ("scarf", "basket", "candle")[number]
    return {
        "id": f"{instance_id[:-1]}{number}",
        "name": f"Plain {kind}",
        "description": f"<p>A {kind} made by hand in a small workshop.</p>",
        "price": 19.0 + number,
        "url": f"https://load-test.invalid/product-page/{kind}",
    }


def _reasons(url: str) -> Iterator[str]:
    host = urlsplit(url).hostname or ""
    if not _is_inside(host):
        yield f"{host or 'no host'} is outside this network"
    elif not _says_that_it_stands_in(url):
        yield f"{host} does not answer as our stand-ins do"


def _is_inside(host: str) -> bool:
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(ipaddress.ip_address(each.partition("%")[0]).is_private for each in found)


def _says_that_it_stands_in(url: str) -> bool:
    try:
        with session() as own:
            stats = ask(own, "GET", f"{_origin(url)}/sandbox/stats").json()
    except (Unanswered, ValueError):
        return False
    return isinstance(stats, dict) and "violations" in stats


def _origin(url: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(url))
