"""A key is read in whatever form it was pasted; what is none is told apart, and never shown."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from wix.webhooks import public_keys
from wix.webhooks.public_keys import InvalidKey


@functools.cache
def _pair(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2_048)


def _pem(number: int = 0, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    return _pair(number).public_key().public_bytes(Encoding.PEM, form).decode()


def _body() -> str:
    return "".join(_pem().splitlines()[1:-1])


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_FORMS: dict[str, Callable[[], str]] = {
    "as it is": _pem,
    "of the older form": lambda: _pem(form=PublicFormat.PKCS1),
    "Windows' newlines": lambda: _pem().replace("\n", "\r\n"),
    "in quotes": lambda: f'"{_pem()}"',
    "in single quotes, in one line": lambda: "'" + _pem().replace("\n", "\\n") + "'",
    "newlines escaped": lambda: _pem().replace("\n", "\\n"),
    "newlines escaped twice": lambda: json.dumps(_pem().replace("\n", "\\n")),
    "Windows' newlines escaped": lambda: _pem().replace("\n", "\\r\\n"),
    "newlines that became spaces": lambda: _pem().replace("\n", " "),
    "newlines that were lost": lambda: _pem().replace("\n", ""),
    "indented, as in YAML": lambda: _pem().replace("\n", "\n    "),
    "a list in JSON": lambda: json.dumps([_pem()]),
    "base64 of it": lambda: _base64(_pem()),
    "base64 of it, wrapped": lambda: base64.encodebytes(_pem().encode()).decode(),
    "base64 of it with Windows' newlines": lambda: _base64(_pem().replace("\n", "\r\n")),
    "base64 of it for addresses, without padding": lambda: (
        base64.urlsafe_b64encode(_pem().encode()).decode().rstrip("=")
    ),
    "without its armour": _body,
    "without its armour, wrapped": lambda: "\n".join(_pem().splitlines()[1:-1]) + "\n",
    "words before it": lambda: f"Public key of the app:\n{_pem()}",
}


@pytest.mark.parametrize("form", _FORMS.values(), ids=_FORMS)
def test_a_key_is_read_in_any_form(form: Callable[[], str]) -> None:
    (key,) = public_keys.read(form())

    assert key.public_numbers() == _pair(0).public_key().public_numbers()


def test_a_file_may_hold_two() -> None:
    both = [key.public_numbers() for key in public_keys.read(_pem(0) + _pem(1))]

    assert both == [_pair(number).public_key().public_numbers() for number in (0, 1)]


@pytest.mark.parametrize(
    ("form", "because"),
    [
        (lambda: "", "is empty"),
        (lambda: " \n", "is empty"),
        (lambda: "-----BEGIN PUBLIC KEY-----", "breaks off"),
        (lambda: _pem()[:200], "breaks off"),
        (lambda: _pem() + _pem(1)[:200], "breaks off"),
        (lambda: _base64(_pem()[:200]), "breaks off"),
        (lambda: "the key!", "neither a PEM"),
        (lambda: "https://dev.wix.com/keys/1", "neither a PEM"),
        (lambda: _pem().replace("M", "%"), "neither a PEM"),
        (lambda: _body()[:-8], "no public key"),
        (lambda: "abcd", "no public key"),
        (lambda: _base64("the key"), "no public key"),
        (lambda: _base64("\xff\xfe"), "no public key"),
        (
            lambda: _pair(0).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            "is a private key, and no public key",
        ),
        (lambda: _pem().replace("PUBLIC KEY", "CERTIFICATE"), "is a certificate, and no public key"),
    ],
)
def test_what_is_no_key_is_told_apart_and_not_shown(form: Callable[[], str], because: str) -> None:
    with pytest.raises(InvalidKey) as caught:
        public_keys.read(form())

    assert because in str(caught.value)
    assert _body()[40:60] not in str(caught.value)
