"""The control interface from Python; the same for a sandbox on a thread and one in another process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import requests

_TIMEOUT_SECONDS = 60


class SandboxClient:
    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def openai_url(self) -> str:
        return f"{self.url}/openai/v1"

    @property
    def replicate_url(self) -> str:
        return f"{self.url}/replicate"

    @property
    def wix_url(self) -> str:
        return f"{self.url}/wix"

    def add_shop(
        self,
        instance_id: str,
        name: str = "Sandbox Shop",
        *,
        language: str = "en",
        currency: str = "USD",
        catalog_version: str = "V3_CATALOG",
        products: Iterable[dict[str, Any]] = (),
        **state: Any,
    ) -> None:
        """`state` as for `change_shop`; besides generate=12_000 products, collections={id: name}, movesAfterPages=3 and
        movesTo="V3_CATALOG"."""
        shop = {
            "instanceId": instance_id,
            "name": name,
            "language": language,
            "currency": currency,
            "catalogVersion": catalog_version,
            "products": list(products),
            **state,
        }
        self._call("POST", "shops", json=shop)

    def change_shop(self, instance_id: str, **state: Any) -> None:
        """What its owner does at Wix, any of `url`, `ownerEmail`, `originInstanceId`, `billing` (None: free), `removed`."""
        self._call("POST", "shops/state", json={"instanceId": instance_id, **state})

    def uninstall(self, instance_id: str) -> None:
        """From now on it gets no tokens, and those it has are refused. `change_shop(…, removed=False)` installs the app again."""
        self.change_shop(instance_id, removed=True)

    def dashboard_token(self, instance_id: str, app_id: str, **claims: Any) -> str:
        """As the dashboard's SDK sends it; any claim of Token Info's answer may be changed, or left out by None."""
        claims = {"instanceId": instance_id, "clientId": app_id, **claims}
        return str(self._call("POST", "dashboard-tokens", json=claims)["token"])

    def fault(
        self,
        provider: str,
        kind: str,
        operation: str = "*",
        *,
        times: int | None = 1,
        probability: float = 1.0,
        match: str | None = None,
        seconds: float = 1.0,
    ) -> None:
        """`times=None`: until cleared. `match`: only requests whose body contains it."""
        fault = {
            "provider": provider,
            "operation": operation,
            "kind": kind,
            "times": times,
            "probability": probability,
            "match": match,
            "seconds": seconds,
        }
        self._call("POST", "faults", json=fault)

    def clear_faults(self) -> None:
        self._call("DELETE", "faults")

    def switch(self, **positions: str) -> None:
        """How limits are told, e.g. `openai_retry_after="date"`: see `switches.py`. Until a reset."""
        self._call("POST", "switches", json=positions)

    def pass_time(self, seconds: float) -> None:
        """On the stand-ins' clock; a reset takes it back."""
        self._call("POST", "clock", json={"seconds": seconds})

    def limits(self, **changes: int) -> dict[str, int]:
        """All limits a minute, after changing those given. To halve one in the middle of a run, and to restore it:

            before = sandbox.limits()
            sandbox.limits(openai_requests=before["openai_requests"] // 2)
            ...
            sandbox.limits(**before)

        A sliding window that is halved while it is full refuses everything until enough of the last minute has left it, up to
        30 s; a bucket (`--policy bucket`) takes the new rate at once.
        """
        limits: dict[str, int] = self._call("POST", "limits", json=changes)
        return limits

    def reset(self) -> None:
        self._call("POST", "reset")

    def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = self._call("GET", "stats")
        return stats

    def requests(self, provider: str | None = None, operation: str | None = None) -> list[dict[str, Any]]:
        answer = self._call("GET", "requests", params={"provider": provider, "operation": operation})
        remembered: list[dict[str, Any]] = answer["requests"]
        return remembered

    def drafts(self, instance_id: str | None = None) -> list[dict[str, Any]]:
        drafts: list[dict[str, Any]] = self._call("GET", "drafts", params={"instanceId": instance_id})["drafts"]
        return drafts

    def _call(self, method: str, what: str, **arguments: Any) -> Any:
        with requests.Session() as session:
            session.trust_env = False  # no proxy between us and loopback
            response = session.request(method, f"{self.url}/sandbox/{what}", timeout=_TIMEOUT_SECONDS, **arguments)
        if response.status_code == 400:
            raise ValueError(response.json()["error"])
        response.raise_for_status()
        return response.json()
