"""One HTTP request of a load test: to this service itself, or to the stand-ins beside it.

It goes past `outbound.call`, as it is no call to a provider: nothing here may wait for a limit or open a breaker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter

_SECONDS = 60


class Unanswered(Exception):
    """No answer came; str() says who was asked, and what came in place of an answer."""


@dataclass(frozen=True, slots=True)
class Service:
    """Names the service that is asked, and by what host name and with which certificate it is known."""

    url: str
    host: str = ""
    """Asked for in place of the one in `url`, in the header and in TLS, as `curl --connect-to` does."""
    cacert: str = ""

    def session(self) -> requests.Session:
        made = session()
        if self.host:
            made.headers["Host"] = self.host
            made.mount("https://", _ByName(self.host))
        if self.cacert:
            made.verify = self.cacert
        return made


class _ByName(HTTPAdapter):
    """Asks for a certificate of this name, and believes no other."""

    def __init__(self, host: str) -> None:
        self._name = host.partition(":")[0]
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        super().init_poolmanager(*arguments, **more, server_hostname=self._name)


def try_out(service: Service) -> None:
    """Ask once without a token, which must be answered by 401. Raises Unanswered, with what to do."""
    live, asked = f"{service.url}/health/live", f"{service.url}/api/credits"
    with service.session() as own:
        # Probes call by any host name: what it answers says nothing of how shops are answered.
        alive = ask(own, "GET", live)
        if alive.status_code != 200:
            raise Unanswered(f"GET {live}: {alive.status_code}")
        answer = ask(own, "GET", asked)
    if answer.status_code == 401:
        return
    hint = ""
    if answer.status_code == 400:
        hint = ". Name a host of ALLOWED_HOSTS with --host"
    elif to := answer.headers.get("Location"):
        hint = f", which leads to {to}. Give --url its beginning, and --cacert where its certificate is your own"
    raise Unanswered(f"GET {asked}: {answer.status_code} in place of 401{hint}")


def session() -> requests.Session:
    made = requests.Session()
    # No proxy of the environment, and no password of a .netrc.
    made.trust_env = False
    return made


def ask(by: requests.Session, method: str, url: str, **more: Any) -> requests.Response:
    """Ask once, and follow no redirect: that a request is redirected is an answer too. Raises Unanswered."""
    try:
        return by.request(method, url, timeout=_SECONDS, allow_redirects=False, **more)
    except requests.exceptions.SSLError as error:
        hint = "Its certificate is believed with --cacert FILE, for the name that --host says"
        raise Unanswered(f"{method} {url}: {type(error).__name__}. {hint}") from None
    except (requests.RequestException, ValueError) as error:
        raise Unanswered(f"{method} {url}: {type(error).__name__}") from None
