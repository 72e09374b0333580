"""One POST to an address that a stranger has named: to public hosts only, within its deadline, and little of an answer read.

The name is resolved here, once. Every address that it stands for must be public, and the connection goes to one of those very
addresses, so a name that leads elsewhere the next time it is asked leads nowhere. TLS still checks the name, and `Host` still says
it. No redirect is followed, no proxy of the environment is used, and no connection is kept.

`RESOLVE` is the one place that asks the system for a name's addresses.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from workers.context.deadline import DeadlineExceeded, at_most, remaining
from workers.context.departure import timeouts
from workers.errors import PermanentError, TransientError
from workers.outbound.transports import trusted

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# What is read of an answer: its head. A few headers fit; who sends more is a failure.
_HEAD_BYTES = 16 * 1024
# Look-ups that hang are left behind, and no more than this many at a time.
_lookups = threading.BoundedSemaphore(16)

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*\.?")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Beyond what `is_global` refuses, whose lists have grown with Python's releases.
_REFUSED = [
    ipaddress.ip_network(each)
    for each in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "::/96",
        "::ffff:0:0/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/9",
        "ff00::/8",
    )
]


class Refused(PermanentError):
    """The address is none that we send to; str() says why, for the shop."""

    def __init__(self, message: str) -> None:
        super().__init__("address_refused", message)


@dataclass(frozen=True, slots=True)
class Rules:
    """Says to which ports we send, and whether to this machine: by plain http too, for development and tests."""

    ports: Sequence[int]
    loopback: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    url: str
    host: str
    port: int
    path: str
    tls: bool

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.tls else 80) else f"{name}:{self.port}"


def _system_addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


Resolve = Callable[[str, int], list[str]]
RESOLVE: Resolve = _system_addresses


def target(url: str, rules: Rules) -> Target:
    """Read an address. Raises Refused for one to which nothing is sent, wherever its name leads."""
    try:
        named = urlsplit(url)
        host, port = named.hostname or "", named.port
    except ValueError:
        raise Refused("It is no address.") from None
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or named.fragment:
        raise Refused("It may have only printable ASCII characters and no fragment; write a host's name as punycode.")
    if "@" in named.netloc:
        raise Refused("It may hold no name and no password.")
    if named.scheme not in ("https", "http") or (named.scheme == "http" and not rules.loopback):
        raise Refused("It must begin with https://.")
    tls = named.scheme == "https"
    port = port or (443 if tls else 80)
    literal = _literal(host)
    if literal is None and not _HOST.fullmatch(host):
        raise Refused("Its host has no name that we know how to read.")
    if literal is not None:
        _require_public([str(literal)], rules)
    if not _may_use(port, literal, host, rules):
        raise Refused(f"Its port must be {' or '.join(map(str, rules.ports))}.")
    path = (named.path or "/") + (f"?{named.query}" if named.query else "")
    return Target(url, host, port, path, tls)


def post(to: Target, body: bytes, headers: Mapping[str, str], rules: Rules) -> tuple[int, str]:
    """Send, and return the answer's status and `Retry-After`. Raises Refused, TransientError, or MissedPlace.

    The caller has set a deadline, which holds for the look-up, the connection and the answer together.
    """
    timeouts()  # the request leaves at its place in the limit, or not at all
    try:
        addresses = _looked_up(to)
        _require_public(addresses, rules, plain=not to.tls)
        return _send(to, addresses, body, headers)
    except (DeadlineExceeded, TimeoutError):
        raise TransientError("timeout", "It did not answer in time.") from None
    except ssl.SSLCertVerificationError as error:
        raise TransientError("certificate", f"Its certificate was refused: {error.verify_message}.") from None
    except (OSError, http.client.HTTPException) as error:
        raise TransientError("unreachable", f"It could not be reached ({type(error).__name__}).") from None


def _send(to: Target, addresses: Sequence[str], body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    connection = http.client.HTTPConnection(to.host, to.port)
    connection.response_class = _Head
    connection.sock = _connected(to, addresses)
    try:
        connection.putrequest("POST", to.path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": to.host_header, **headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.putheader("Connection", "close")
        connection.sock.settimeout(at_most(None))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Retry-After", "")[:40]
    finally:
        connection.close()


def _connected(to: Target, addresses: Sequence[str]) -> socket.socket:
    """Connect to the first of these addresses that answers; nothing asks for the name again."""
    failure: OSError | None = None
    for address in addresses[:4]:
        try:
            sock = socket.create_connection((address, to.port), timeout=at_most(5.0))
        except OSError as error:
            failure = error
            continue
        try:
            sock.settimeout(remaining())
            return trusted().wrap_socket(sock, server_hostname=to.host) if to.tls else sock
        except BaseException:
            sock.close()
            raise
    raise failure or OSError("no address")


class _Bytes(Protocol):
    def readinto(self, buffer: Any) -> int | None: ...


class _Counted(io.RawIOBase):
    """Reads a socket within the call's deadline, and no more than an answer's head."""

    def __init__(self, sock: socket.socket, raw: _Bytes) -> None:
        self._sock, self._raw, self._left = sock, raw, _HEAD_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._left <= 0:
            raise http.client.HTTPException("the answer's head is too long")
        self._sock.settimeout(at_most(self._sock.gettimeout()))
        read = self._raw.readinto(memoryview(buffer)[: self._left])
        self._left -= read or 0
        return read


class _Head(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Counted(sock, self.fp.detach()))


# --- Names and addresses ----------------------------------------------------------------------------------------------


def _looked_up(to: Target) -> list[str]:
    """Resolve the name within the deadline. The system's resolver knows of none, so a thread asks it, which may be left behind."""
    if _literal(to.host) is not None:
        return [to.host]
    if not _lookups.acquire(timeout=remaining()):
        raise TimeoutError
    found: list[list[str]] = []
    failed: list[OSError | UnicodeError] = []

    def ask() -> None:
        try:
            found.append(RESOLVE(to.host, to.port))
        except (OSError, UnicodeError) as error:
            failed.append(error)
        finally:
            _lookups.release()

    asking = threading.Thread(target=ask, name="look-up", daemon=True)
    asking.start()
    asking.join(remaining())
    if asking.is_alive():
        raise TimeoutError
    if failed or not found[0]:
        raise TransientError("name_unknown", "Its host's name leads nowhere.")
    return found[0]


def _require_public(addresses: Sequence[str], rules: Rules, *, plain: bool = False) -> None:
    """Raise Refused unless all of them are public, or all are this machine where that is allowed."""
    known = [_literal(each) for each in addresses]
    if rules.loopback and all(each is not None and each.is_loopback for each in known):
        return
    if plain or not all(each is not None and is_public(each) for each in known):
        raise Refused("Its host leads to an address that is not public.")


def is_public(address: Address) -> bool:
    """Tell whether the address is one of the public internet. An IPv4 address that is written into another one counts as itself."""
    if isinstance(address, ipaddress.IPv6Address) and address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    refused = any(address.version == each.version and address in each for each in _REFUSED)
    return address.is_global and not address.is_multicast and not refused


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _may_use(port: int, literal: Address | None, host: str, rules: Rules) -> bool:
    here = host == "localhost" or (literal is not None and literal.is_loopback)
    return port in rules.ports or (rules.loopback and here)
