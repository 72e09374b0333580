"""Where a stranger's address may lead, and what its receiver may cost: real sockets, and a resolver that lies."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.receiver import Receiver, dripping, endless, endless_head, receiving
from workers.context.deadline import within
from workers.errors import TransientError
from workers.outbound import strangers
from workers.outbound.strangers import Refused, Rules

HERE = Rules((443,), loopback=True)
PUBLIC = Rules((443, 8443))

_INSIDE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:0:1::1",
    "2001:db8::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "fe80::1%eth0",
]
_OUTSIDE = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", _INSIDE)
def test_an_address_within_is_not_public(address: str) -> None:
    assert not strangers.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", _OUTSIDE)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert strangers.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hook",
        "ftp://shop.example/",
        "//shop.example",
        "https://",
        "https://user:secret@shop.example/",
        "https://shop.example/#part",
        "https://shop.example/with space",
        "https://shop.example\\@10.0.0.1/",
        "https://münchen.example/",
        "https://shop.example:22/",
        "https://shop.example:99999/",
        "https://shop_example/",
        "https://[::1]/",
        "https://127.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://shop.example/\r\nX-Injected: 1",
    ],
)
def test_an_address_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(Refused):
        strangers.target(url, PUBLIC)


def test_an_address_is_read() -> None:
    target = strangers.target("https://Shop.Example:8443/a/b?c=d", PUBLIC)

    assert (target.host, target.port, target.path, target.host_header) == (
        "shop.example",
        8443,
        "/a/b?c=d",
        "shop.example:8443",
    )
    assert strangers.target("https://shop.example", PUBLIC).host_header == "shop.example"


def _post(url: str, rules: Rules = HERE, seconds: float = 5.0) -> tuple[int, str]:
    with within(seconds):
        return strangers.post(strangers.target(url, rules), b"{}", {"Content-Type": "application/json"}, rules)


@pytest.mark.parametrize("url", ["https://127.1/", "https://2130706433/", "https://0x7f.1/", "https://localhost/"])
def test_another_way_to_write_this_machine_is_seen_when_it_is_resolved(url: str) -> None:
    with pytest.raises(Refused):
        _post(url, PUBLIC)


def _resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Answer each look-up with the next of these, and the last again and again."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    monkeypatch.setattr(strangers, "RESOLVE", resolve)
    return asked


@pytest.mark.parametrize("inside", ["10.0.0.5", "127.0.0.1", "::ffff:192.168.0.1", "fe80::1%lo"])
def test_a_name_of_which_one_address_is_within_is_not_sent_to(monkeypatch: pytest.MonkeyPatch, inside: str) -> None:
    _resolving(monkeypatch, ["1.1.1.1", inside])
    monkeypatch.setattr(socket, "create_connection", _never)

    with pytest.raises(Refused):
        _post("https://shop.example/", PUBLIC)


def _never(*arguments: Any, **options: Any) -> Any:
    raise AssertionError("connected")


def test_it_connects_to_what_was_checked_and_resolves_no_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _resolving(monkeypatch, ["1.1.1.1"], ["10.0.0.5"])
    connected: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], **options: Any) -> Any:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(TransientError):
        _post("https://shop.example/", PUBLIC)
    assert (asked, connected) == (["shop.example"], [("1.1.1.1", 443)])

    with pytest.raises(Refused):  # the next time it leads elsewhere
        _post("https://shop.example/", PUBLIC)
    assert connected == [("1.1.1.1", 443)]


def test_a_redirect_is_not_followed() -> None:
    with receiving() as receiver:
        receiver.behave = lambda handler: handler.reply(307, Location="http://127.0.0.1:1/")
        assert _post(receiver.address())[0] == 307
        assert len(receiver.got) == 1


@pytest.mark.parametrize(
    "behave", [dripping, endless_head, lambda handler: time.sleep(3)], ids=["drips", "head", "mute"]
)
def test_a_receiver_costs_no_more_than_the_deadline(behave: Callable[[Any], object]) -> None:
    with receiving() as receiver:
        receiver.behave = behave
        began = time.monotonic()
        with pytest.raises(TransientError):
            _post(receiver.address(), seconds=0.5)
        assert time.monotonic() - began < 2


def test_five_gigabytes_are_not_read() -> None:
    with receiving() as receiver:
        receiver.behave = endless
        began = time.monotonic()
        assert _post(receiver.address())[0] == 200
        assert time.monotonic() - began < 2


def test_a_look_up_that_hangs_ends_with_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(strangers, "RESOLVE", lambda host, port: over.wait(10) and [])
    began = time.monotonic()
    with pytest.raises(TransientError, match="in time"):
        _post("https://shop.example/", seconds=0.3)
    over.set()
    assert time.monotonic() - began < 2


def test_tls_checks_the_name_and_host_says_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    certificate = _certificate(tmp_path, "shop.example")
    _resolving(monkeypatch, ["127.0.0.1"])
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(strangers, "trusted", lambda: trusting)

    with receiving() as receiver:
        _with_tls(receiver, certificate)
        rules = Rules((receiver.server_port,), loopback=True)
        assert _post(f"https://shop.example:{receiver.server_port}/hook", rules)[0] == 204
        with pytest.raises(TransientError) as refused:
            _post(f"https://other.example:{receiver.server_port}/hook", rules)

    assert receiver.got[0].headers["host"] == f"shop.example:{receiver.server_port}"
    assert refused.value.code == "certificate"
    assert len(receiver.got) == 1


def _with_tls(receiver: Receiver, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    receiver.socket = context.wrap_socket(receiver.socket, server_side=True)


def _certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "tls.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
