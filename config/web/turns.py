"""Whose turn it is: connections that no thread works for, by the address that they come from.

A caller with 300 connections would keep a caller with one waiting, if requests were answered as they come. So addresses take turns,
and share the threads: sixteen that work for one address would leave another's request little of Python's lock. Where there is no
room for a connection, the address with the most makes it. A trusted proxy speaks for many callers, and has no share to keep to.

A share of the threads does not protect the others where one thread is quick: it answers a hundred requests of a flood a second, and
each takes time of Python's lock, the cores and PostgreSQL. So a site also rests between its requests, while other sites ask.
Addresses that are no site's, such as a stranger's, let no site rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, Generic, TypeVar

T = TypeVar("T")

# An address that asked no longer ago than this is counted when threads are shared.
_RECENTLY_SECONDS = 5.0
# However many addresses ask, the threads are shared by four: an address may have a quarter of them.
_SHARES_MAX = 4
# While other sites ask, a site may keep its share of the threads busy for the part `_BUSY` of each `_COUNTED_SECONDS`. A page that
# loads feels nothing of that. Beside 200 requests a second of one site, on a busy machine, others' answers took 1.2 times
# as long as alone at the median and 2.0 times at the p99 without such rests, 1.05 and 1.15 times with them. All sites together may
# still keep a quarter of the threads busy, which is more than Python's lock lets work where requests wait for nothing but it.
_BUSY, _COUNTED_SECONDS = 0.25, 2.0
# No rest is longer, whatever the site's requests took.
_REST_MAX_SECONDS = 1.0
# Begins the name of a site's line. A site that we know has a line and a share of its own, wherever its requests come from: behind
# a proxy, or from one integrator's server, an address says nothing of who asks.
SITE = "site "


def _own(peer: Any) -> str:
    """Return the address at the other end of a socket, of IPv6 without its zone; '' for a Unix socket."""
    host = str(peer[0]).partition("%")[0] if isinstance(peer, tuple) else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(getattr(address, "ipv4_mapped", None) or address)


def _household(address: str) -> str:
    """Return the network (/64) of an IPv6 address, which is one household's; any other address as it is."""
    return str(ip_network((address, 64), strict=False)) if ":" in address else address


class ByAddress(Generic[T]):
    """A line for each address. Lines take turns; within one, who came first is first."""

    def __init__(self) -> None:
        self._lines: dict[str, dict[T, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, address: str, item: T) -> None:
        line = self._lines.setdefault(address, {})
        self._count += item not in line
        line[item] = None

    def discard(self, address: str, item: T) -> None:
        line = self._lines.get(address, {})
        if item in line:
            del line[item]
            self._count -= 1
            if not line:
                del self._lines[address]

    def take(self, may: Callable[[str], bool] = lambda address: True) -> T | None:
        """Take the first of the line whose turn it is, of those whose address `may`; its line is the last from now on."""
        if (address := next(filter(may, self._lines), None)) is None:
            return None
        line = self._lines.pop(address)
        item = next(iter(line))
        del line[item]
        self._count -= 1
        if line:
            self._lines[address] = line
        return item

    def longest(self) -> dict[T, None]:
        """Return the longest line, its oldest item first; of lines that are equally long, the one whose turn comes first."""
        return max(self._lines.values(), key=len, default={})


class Turns(Generic[T]):
    """The lines of sites and those of addresses, whose credentials are not known yet, by turns.

    A visitor who opens a page has a credential that is not known yet, and behind a proxy all visitors have the same address.
    """

    def __init__(self) -> None:
        self._of_sites, self._of_addresses = ByAddress[T](), ByAddress[T]()
        self._next, self._after = self._of_sites, self._of_addresses

    def __len__(self) -> int:
        return len(self._of_sites) + len(self._of_addresses)

    def _of(self, line: str) -> ByAddress[T]:
        return self._of_sites if line.startswith(SITE) else self._of_addresses

    def add(self, line: str, item: T) -> None:
        self._of(line).add(line, item)

    def discard(self, line: str, item: T) -> None:
        self._of(line).discard(line, item)

    def take(self, may: Callable[[str], bool]) -> T | None:
        """Take the first whose turn it is. The other kind of lines is asked first next time."""
        self._next, self._after = self._after, self._next
        item = self._next.take(may)
        return self._after.take(may) if item is None else item

    def longest(self) -> dict[T, None]:
        return max(self._of_sites.longest(), self._of_addresses.longest(), key=len)


class Shares:
    """How many threads work for each address now, and how many may: all for one that asks alone, else as many as for the others."""

    def __init__(self, threads: int, proxies: Sequence[str] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._threads = threads
        self._clock = clock
        self._proxies = [ip_network(proxy) for proxy in proxies]
        self._busy: dict[str, int] = {}
        # When each address last asked, the latest last.
        self._seen: dict[str, float] = {}
        self._sites_seen = 0
        # Until when each site has used up its time, by what its requests took while other sites asked.
        self._used_until: dict[str, float] = {}

    @property
    def has_free_thread(self) -> bool:
        return sum(self._busy.values()) < self._threads

    def address_of(self, peer: Any) -> str:
        """Name who is at the other end of a socket: a trusted proxy by its own address, others of IPv6 by their network."""
        own = _own(peer)
        return own if self._is_proxy(own) else _household(own)

    def saw(self, address: str) -> None:
        if self._seen.pop(address, None) is None:
            self._sites_seen += address.startswith(SITE)
        self._seen[address] = self._clock()

    def may_begin(self, address: str) -> bool:
        of_all = self._shared_by(self._asking())
        if address.startswith(SITE):
            return self._busy.get(address, 0) < of_all and not (self._sites_seen > 1 and self._rests(address))
        share = max(self._threads // _SHARES_MAX, of_all)
        return self._busy.get(address, 0) < share or self._is_proxy(address)

    def _asking(self) -> int:
        """Count the addresses that asked lately, and forget the others."""
        long_ago = self._clock() - _RECENTLY_SECONDS
        while self._seen and self._seen[first := next(iter(self._seen))] < long_ago:
            del self._seen[first]
            self._sites_seen -= first.startswith(SITE)
            self._used_until.pop(first, None)
        return len(self._seen)

    def begins(self, address: str) -> None:
        self._busy[address] = self._busy.get(address, 0) + 1

    def ends(self, address: str, seconds: float) -> None:
        """Count a thread as free again. It has worked for this address for `seconds`."""
        self._busy[address] -= 1
        if not self._busy[address]:
            del self._busy[address]
        self._asking()
        if address.startswith(SITE) and self._sites_seen > 1 and address in self._seen:
            now, share = self._clock(), self._shared_by(self._sites_seen)
            used_until = max(now, self._used_until.get(address, now)) + seconds / (_BUSY * share)
            self._used_until[address] = min(used_until, now + _COUNTED_SECONDS + _REST_MAX_SECONDS)

    def _rests(self, address: str) -> bool:
        return self._used_until.get(address, 0.0) > self._clock() + _COUNTED_SECONDS

    def _shared_by(self, asking: int) -> int:
        return max(1, self._threads // max(1, asking))

    def _is_proxy(self, address: str) -> bool:
        """Tell whether this is a trusted proxy. Through a Unix socket, which has no address, only a proxy comes."""
        if not address or "/" in address:
            return not address
        return any(ip_address(address) in proxy for proxy in self._proxies)
