"""How the providers tell their limits: it differs by account, by endpoint and by year. The first of each is the usual way."""

from __future__ import annotations

from collections.abc import Mapping

SWITCHES = {
    # x-ratelimit-*. project: also the form for a project, whose limit is then the one that holds; the organization's is twice it.
    "openai_limits": ("shown", "project", "hidden"),
    # On a 429: both is Retry-After in seconds and retry-after-ms; date is Retry-After as an HTTP date.
    "openai_retry_after": ("both", "seconds", "milliseconds", "date", "none"),
    "replicate_limits": ("shown", "hidden"),
    # On a 429: Retry-After, `retry_after` in the body, or only the text says it.
    "replicate_retry_after": ("both", "header", "date", "body", "none"),
    # "Your rate limit resets in ~5s.", or as it was: "Expected available in 5 seconds."
    "replicate_text": ("resets", "expected"),
    # Below 5 dollars: six creates a minute, and never two at once.
    "replicate_credit": ("ample", "low"),
    # How far behind reads of members and posts may be; the mark that a post's create answers with, sent along, shows it at once.
    "wix_read_lag_seconds": ("0", "0.3", "3"),
    # What the token endpoint says to a site that has removed the app.
    "wix_removed": ("400", "401", "403", "404"),
    # What Token Info says of a token that is not valid, and how it writes numbers and booleans.
    "wix_bad_token": ("inactive", "400"),
    "wix_token_info": ("typed", "text"),
}


class UnknownSwitch(ValueError):
    """No such switch, or it has no such position."""


class Switches:
    def __init__(self) -> None:
        self._positions: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        return self._positions.get(name, SWITCHES[name][0])

    def set(self, changes: Mapping[str, str]) -> None:
        for name, position in changes.items():
            if position not in SWITCHES.get(name, ()):
                raise UnknownSwitch(f"{name!r} cannot be {position!r}; there is {SWITCHES}")
        self._positions.update(changes)

    def clear(self) -> None:
        self._positions.clear()
