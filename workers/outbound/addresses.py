"""Addresses that an answer names. Before we, or Wix for us, go there, each must lead to a host that we know."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
# Other signs in a host are read differently by different libraries.
_HOST = re.compile(r"[a-z0-9.-]+")


def leads_to(url: str, hosts: Iterable[str], *, base_url: str) -> bool:
    """Tell whether an address leads to one of these hosts, or below it, by the scheme of `base_url`.

    A host that is written without a port has the scheme's, or that of `base_url`. No address may carry a name or a password.
    """
    try:
        named, home = urlsplit(url), urlsplit(base_url)
        port, home_port = _port(named), _port(home)
    except ValueError:
        return False
    if named.scheme != home.scheme or "@" in named.netloc or not _HOST.fullmatch(named.hostname or ""):
        return False
    usual = {_DEFAULT_PORTS.get(named.scheme), home_port}
    return any(_is_below(named.hostname or "", port, host, usual) for host in hosts)


def _port(url: SplitResult) -> int | None:
    return url.port or _DEFAULT_PORTS.get(url.scheme)


def _is_below(host: str, port: int | None, known: str, usual: set[int | None]) -> bool:
    name, _, its_port = known.lower().partition(":")
    ports = {int(its_port)} if its_port.isdecimal() else usual
    return port in ports and (host == name or host.endswith(f".{name}"))
