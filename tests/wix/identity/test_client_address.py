from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from wix.identity.client_address import client_address

_PROXIES = ["10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48"]


@pytest.mark.parametrize(
    ("called_from", "said", "address"),
    [
        ("203.0.113.5", "", "203.0.113.5"),
        # A stranger's word.
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("10.1.2.3", "198.51.100.1", "198.51.100.1"),
        # All that stands before the first who can't be believed may be written by them.
        ("10.1.2.3", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "1.2.3.4, 198.51.100.1, 192.0.2.7, 10.9.9.9", "198.51.100.1"),
        ("2001:db8:1::5", "198.51.100.1", "198.51.100.1"),
        ("::ffff:10.1.2.3", "198.51.100.1", "198.51.100.1"),
        # Forms that proxies write.
        ("10.1.2.3", "198.51.100.1:5123", "198.51.100.1"),
        ("10.1.2.3", "[2a00:1450:4001:8::200e]:443", "2a00:1450:4001:8::"),
        ("10.1.2.3", "2a00:1450:4001:8::200e", "2a00:1450:4001:8::"),
        ("10.1.2.3", "::ffff:198.51.100.1", "198.51.100.1"),
        # What is no address is no word of a proxy.
        ("10.1.2.3", "unknown", "10.1.2.3"),
        ("10.1.2.3", "198.51.100.1, ", "10.1.2.3"),
        ("10.1.2.3", "1.2.3.4, _hidden, 10.9.9.9", "10.9.9.9"),
        # From one network of IPv6 there may come more addresses than can be counted.
        ("2a00:1450:4001:8:ffff::1", "", "2a00:1450:4001:8::"),
        # A Unix socket: only a proxy on the same machine can be behind it.
        ("", "198.51.100.1", "198.51.100.1"),
        ("", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("", "", "::"),
    ],
)
def test_an_address_is_a_proxys_word_only_where_the_proxy_is_trusted(
    settings: Any, called_from: str, said: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = _PROXIES
    request = RequestFactory().get("/", REMOTE_ADDR=called_from)
    if said:
        request.META["HTTP_X_FORWARDED_FOR"] = said

    assert client_address(request) == address


def test_without_trusted_proxies_nothing_that_is_said_counts() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.1")

    assert client_address(request) == "127.0.0.1"

    request = RequestFactory().get("/", REMOTE_ADDR="", HTTP_X_FORWARDED_FOR="198.51.100.1")

    assert client_address(request) == "::"
