"""One HTTP request of a load test: to this service itself, or to the stand-ins beside it.

It goes past `outbound.call`, as it is no call to a provider: nothing here may wait for a limit or open a breaker.
"""

from __future__ import annotations

from typing import Any

import requests

_SECONDS = 60


class Unanswered(Exception):
    """No answer came; str() says who was asked, and what came in place of an answer."""


def session() -> requests.Session:
    made = requests.Session()
    # No proxy of the environment, and no password of a .netrc.
    made.trust_env = False
    return made


def ask(by: requests.Session, method: str, url: str, **more: Any) -> requests.Response:
    """Ask once, and follow no redirect: that a request is redirected is an answer too. Raises Unanswered."""
    try:
        return by.request(method, url, timeout=_SECONDS, allow_redirects=False, **more)
    except (requests.RequestException, ValueError) as error:
        raise Unanswered(f"{method} {url}: {type(error).__name__}") from None
