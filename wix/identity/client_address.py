"""The address that a request comes from: its connection's, or what a trusted proxy says of it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

_Address = IPv4Address | IPv6Address


def client_address(request: HttpRequest) -> str:
    """Return the caller's address as a text, "::" where there is none.

    Of an IPv6 address the network (/64) counts, since one household has all addresses of it.
    """
    address = caller(request)
    if isinstance(address, IPv6Address):
        return str(ip_network((address.packed, 64), strict=False).network_address)
    return str(address or "::")


def caller(request: HttpRequest) -> _Address | None:
    """Return the last address that we have from who can be believed.

    Each proxy puts the address that it was called from at the end of `X-Forwarded-For`. So from the end on an address counts while
    the one after it is a trusted proxy's; all before it may be what a stranger wrote.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    address = _parsed(peer)
    # Through a Unix socket, which has no address, only a proxy on this machine comes.
    trusted = bool(settings.TRUSTED_PROXIES) and (not peer or (address is not None and _is_trusted(address)))
    for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        said = _parsed(hop) if trusted else None
        if said is None:
            break
        address, trusted = said, _is_trusted(said)
    return address


def _is_trusted(address: _Address) -> bool:
    return any(address in ip_network(proxy) for proxy in settings.TRUSTED_PROXIES)


def _parsed(text: str) -> _Address | None:
    """Read an address, with or without a port."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
