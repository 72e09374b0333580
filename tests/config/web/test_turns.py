"""Addresses take turns at the web process's threads, and make room for each other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from config.web.turns import SITE, ByAddress, Shares, Turns
from tests.support.web_server import answer, connected, request, served

_STRANGER, _OTHER = "127.0.0.66", "127.0.0.77"


def lines(*addresses: str) -> ByAddress[tuple[str, int]]:
    found = ByAddress[tuple[str, int]]()
    for place, address in enumerate(addresses):
        found.add(address, (address, place))
    return found


def test_addresses_take_turns_and_within_one_who_came_first_is_first() -> None:
    waiting = lines("a", "a", "a", "b", "c", "b")

    taken = [waiting.take() for _ in range(7)]

    assert taken == [("a", 0), ("b", 3), ("c", 4), ("a", 1), ("b", 5), ("a", 2), None]
    assert len(waiting) == 0


def test_an_address_that_may_not_begin_is_passed_over() -> None:
    waiting = lines("a", "b")

    assert waiting.take(lambda address: address != "a") == ("b", 1)
    assert waiting.take(lambda address: address != "a") is None


def test_callers_who_are_not_known_yet_have_every_other_turn_however_many_sites_ask() -> None:
    waiting = Turns[str]()
    for number in range(4):
        waiting.add(f"{SITE}{number}", f"site {number}")
    for number in range(3):
        waiting.add("proxy", f"stranger {number}")

    taken = [waiting.take(lambda line: True) for _ in range(8)]

    assert [each.split()[0] if each else "" for each in taken[:6]] in (
        ["site", "stranger"] * 3,
        ["stranger", "site"] * 3,
    )
    assert taken[6:] == ["site 3", None]
    assert waiting.longest() == {}


def test_a_site_has_no_more_threads_than_its_share_and_comes_back_to_them() -> None:
    shares, site = Shares(4, clock=lambda: 0.0), f"{SITE}1"
    for line in (site, f"{SITE}2", f"{SITE}3"):
        shares.saw(line)

    shares.begins(site)
    assert not shares.may_begin(site)
    assert shares.may_begin(f"{SITE}2")
    shares.ends(site, 0.01)
    assert shares.may_begin(site)


def worked(shares: Shares, line: str, seconds: float) -> None:
    shares.begins(line)
    shares.ends(line, seconds)


def test_a_site_that_keeps_its_share_busy_rests_while_others_ask() -> None:
    now = [0.0]
    shares, site, other = Shares(4, clock=lambda: now[0]), f"{SITE}1", f"{SITE}2"
    for line in (site, other, f"{SITE}3"):
        shares.saw(line)

    worked(shares, site, 0.49)
    assert shares.may_begin(site)
    worked(shares, site, 0.05)  # a quarter of two seconds is over
    assert not shares.may_begin(site)
    assert shares.may_begin(other)
    now[0] = 0.17
    assert shares.may_begin(site)


def test_no_request_lets_its_site_rest_for_longer_than_a_second() -> None:
    now = [0.0]
    shares, site = Shares(4, clock=lambda: now[0]), f"{SITE}1"
    shares.saw(site)
    shares.saw(f"{SITE}2")

    worked(shares, site, 60)
    assert not shares.may_begin(site)
    now[0] = 1.01
    assert shares.may_begin(site)


def test_a_site_that_asks_alone_never_rests() -> None:
    now = [0.0]
    shares, site = Shares(4, clock=lambda: now[0]), f"{SITE}1"
    shares.saw(site)
    shares.saw(f"{SITE}2")
    now[0] = 6.0  # the other has not asked for longer than it counts
    shares.saw(site)

    worked(shares, site, 60)

    assert shares.may_begin(site)
    shares.saw(f"{SITE}2")
    assert shares.may_begin(site)  # what it had alone took nothing from any other


def test_strangers_let_no_site_rest() -> None:
    now = [0.0]
    shares, site = Shares(4, clock=lambda: now[0]), f"{SITE}1"
    shares.saw(site)
    for number in range(30):
        shares.saw(f"203.0.113.{number}")

    worked(shares, site, 60)

    assert shares.may_begin(site)


def test_the_longest_line_makes_room() -> None:
    waiting = lines("a", "b", "b", "c")
    assert list(waiting.longest()) == [("b", 1), ("b", 2)]

    waiting.discard("b", ("b", 1))
    waiting.discard("b", ("b", 1))

    assert list(waiting.longest()) == [("a", 0)]
    assert len(waiting) == 3


def busy(shares: Shares, address: str) -> int:
    """Begin as many requests of this address as may be. Return how many."""
    count = 0
    while shares.has_free_thread and shares.may_begin(address):
        shares.begins(address)
        count += 1
    return count


def test_threads_are_shared_by_the_addresses_that_asked_lately() -> None:
    now = [0.0]
    shares = Shares(16, clock=lambda: now[0])
    shares.saw("a")
    assert busy(shares, "a") == 16
    for _ in range(16):
        shares.ends("a", 0.01)

    for address in ("b", "c", "d", "e", "f"):
        shares.saw(address)
    assert busy(shares, "a") == 4

    now[0] = 60
    assert busy(shares, "a") == 12


def test_a_thread_that_is_done_is_free_for_the_address_again() -> None:
    shares = Shares(2)
    shares.saw("a")
    shares.saw("b")
    assert busy(shares, "a") == 1

    shares.ends("a", 0.01)

    assert busy(shares, "a") == 1


@pytest.mark.parametrize(("proxies", "threads"), [([], 4), (["10.0.0.0/8"], 16), (["10.0.0.1"], 16), (["10.0.0.2"], 4)])
def test_a_trusted_proxy_may_have_all_threads(proxies: list[str], threads: int) -> None:
    shares = Shares(16, proxies)
    for address in ("10.0.0.1", "b", "c", "d"):
        shares.saw(address)

    assert busy(shares, "10.0.0.1") == threads


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (("192.0.2.7", 4711), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 4711, 0, 0), "2001:db8:1:2::/64"),
        (("::ffff:192.0.2.7", 4711, 0, 0), "192.0.2.7"),
        (("fe80::1%eth0", 4711, 0, 2), "fe80::/64"),
        ("", ""),
    ],
)
def test_a_household_is_one_address(peer: object, address: str) -> None:
    assert Shares(16).address_of(peer) == address


@pytest.mark.parametrize(
    ("peer", "proxies", "threads"),
    [
        ("::1", ["::1"], 16),
        ("2001:db8:1:2:3:4:5:6", ["2001:db8:1:2::/64"], 16),
        ("fe80::1%eth0", ["fe80::1"], 16),
        ("::ffff:10.0.0.1", ["10.0.0.1"], 16),
        # A neighbour of the proxy is none, not even where the proxy has the network's first address.
        ("2001:db8:1:2:3:4:5:6", ["2001:db8:1:2:3:4:5:7"], 4),
        ("2001:db8:1:2:3:4:5:6", ["2001:db8:1:2::"], 4),
    ],
)
def test_a_proxy_of_ipv6_is_known_by_its_own_address(peer: str, proxies: list[str], threads: int) -> None:
    shares = Shares(16, proxies)
    address = shares.address_of((peer, 4711, 0, 0))
    for each in (address, "b", "c", "d"):
        shares.saw(each)

    assert busy(shares, address) == threads


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served("tests.support.echo", WEB_PROCESSES="1", WEB_THREADS="2") as port:
        yield port


@pytest.mark.slow_process
def test_a_flood_of_connections_throws_out_none_of_another_address(port: int) -> None:
    with ExitStack() as stack:
        other = stack.enter_context(connected(port, address=_OTHER))
        for _ in range(450):
            stack.enter_context(connected(port, address=_STRANGER))
        other.sendall(request("GET", "/fine"))

        assert answer(other)[0] == 200


@pytest.mark.slow_process
def test_many_requests_of_one_address_delay_another_by_a_turn(port: int) -> None:
    """They take 3 seconds in all."""
    with ExitStack() as stack:
        for _ in range(195):
            client = stack.enter_context(connected(port, address=_STRANGER))
            client.sendall(request("GET", "/held"))
        other = stack.enter_context(connected(port, address=_OTHER))
        began = time.monotonic()
        other.sendall(request("GET", "/fine"))

        assert answer(other)[0] == 200
        assert time.monotonic() - began < 1


@pytest.mark.slow_process
def test_where_requests_take_all_the_room_the_last_one_has_to_come_back(port: int) -> None:
    with ExitStack() as stack:
        strangers = []
        for _ in range(380):
            strangers.append(client := stack.enter_context(connected(port, address=_STRANGER)))
            client.sendall(request("GET", "/held"))
        other = stack.enter_context(connected(port, address=_OTHER))
        other.sendall(request("GET", "/fine"))

        assert answer(other)[0] == 200
        assert answer(strangers[0])[0] == 200
        assert 503 in {answer(client)[0] for client in strangers[360:]}
