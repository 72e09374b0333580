"""Where an answer may send us, or Wix for us: to hosts that we know, and nowhere else on them."""

from __future__ import annotations

import pytest

from workers.outbound.addresses import leads_to

HOSTS = ["files.example", "Other.example:8443"]


@pytest.mark.parametrize(
    "url",
    [
        "https://files.example/a.png",
        "https://files.example:443/a.png?x=1#y",
        "https://FILES.example/a.png",
        "https://deep.below.files.example/a.png",
        "https://other.example:8443/a.png",
    ],
)
def test_a_host_that_we_know(url: str) -> None:
    assert leads_to(url, HOSTS, base_url="https://api.example")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "files.example/a.png",
        "//files.example/a.png",
        "http://files.example/a.png",
        "ftp://files.example/a.png",
        "https://files.example:22/a.png",
        "https://files.example:8443/a.png",
        "https://files.example:0443000/a.png",
        "https://other.example/a.png",
        "https://someone@files.example/a.png",
        "https://someone:secret@files.example/a.png",
        "https://@files.example/a.png",
        "https://files.example@evil.example/a.png",
        "https://evil.example\\@files.example/a.png",
        "https://evil.example\\.files.example/a.png",
        "https://evil.example#.files.example/a.png",
        "https://evilfiles.example/a.png",
        "https://files.example.evil.example/a.png",
        "https://files.example./a.png",
        "https://ﬁles.example/a.png",
        "https://files.example%2eevil.example/a.png",
        "https://[::1]/a.png",
        "https://[files.example/a.png",
        "https://127.0.0.1/a.png",
    ],
)
def test_anywhere_else(url: str) -> None:
    assert not leads_to(url, HOSTS, base_url="https://api.example")


def test_at_a_stand_in_its_own_port_is_the_usual_one() -> None:
    assert leads_to("http://127.0.0.1:8001/a.png", ["127.0.0.1"], base_url="http://127.0.0.1:8001/api")
    assert not leads_to("http://127.0.0.1:8002/a.png", ["127.0.0.1"], base_url="http://127.0.0.1:8001/api")
