"""The keys that may have signed a webhook: Wix's, in whatever form they were pasted, and in development our own sender's too."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_KEY_BITS_MIN = 2_048
# What quotes a value in files and shells, or lists in JSON.
_AROUND = " \t\r\n'\"[]"
# As environments and JSON write them, perhaps escaped twice.
_NEWLINE = re.compile(r"\\+r|\\+n")
_ARMOURED = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)


class InvalidKey(Exception):
    """A configured key that can't be used. str() says what is wrong with it, without showing it."""


def configured() -> tuple[RSAPublicKey, ...]:
    """Return the keys of which any may have signed. Raises InvalidKey."""
    keys = _read(tuple(settings.WIX_WEBHOOK_PUBLIC_KEYS))
    file = Path(settings.WIX_WEBHOOK_DEV_PRIVATE_KEY_FILE or "/")
    if settings.DEBUG and file.is_file():
        keys = (*keys, _public_half(file, file.stat().st_mtime_ns))
    return keys


def read(text: str) -> tuple[RSAPublicKey, ...]:
    """Read the keys of a text. Raises InvalidKey.

    It holds PEMs, with newlines of any kind; or base64, of such a PEM or as it stands in one.
    """
    return tuple(_loaded(der) for der in _ders(text))


@lru_cache(maxsize=4)
def _read(texts: tuple[str, ...]) -> tuple[RSAPublicKey, ...]:
    return tuple(key for text in texts for key in read(text))


@lru_cache(maxsize=4)
def _public_half(file: Path, modified: int) -> RSAPublicKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    private = load_pem_private_key(file.read_bytes(), password=None)
    assert isinstance(private, RSAPrivateKey)
    return private.public_key()


def _ders(text: str) -> Iterator[bytes]:
    text = _NEWLINE.sub("\n", text.strip(_AROUND))
    if not text:
        raise InvalidKey("it is empty")
    if "-----BEGIN" not in text:
        decoded = _decoded(text)
        yield from _ders(decoded.decode("ascii", "replace")) if decoded.startswith(b"-----BEGIN") else [decoded]
        return
    blocks = _ARMOURED.findall(text)
    if len(blocks) != text.count("-----BEGIN"):
        raise InvalidKey("it breaks off: a line of .env holds no newline, so write them as \\n, or name a file")
    for kind, body in blocks:
        if not kind.endswith("PUBLIC KEY"):
            raise InvalidKey(f"it is a {kind.lower()}, and no public key")
        yield _decoded(body)


def _decoded(text: str) -> bytes:
    letters = "".join(text.split()).translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidKey("it is neither a PEM of a public key nor base64") from None


def _loaded(der: bytes) -> RSAPublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidKey("what it holds is no public key") from None
    if not isinstance(key, RSAPublicKey):
        raise InvalidKey("it is not an RSA key")
    if key.key_size < _KEY_BITS_MIN:
        raise InvalidKey(f"it has {key.key_size} bits; {_KEY_BITS_MIN} are the least")
    return key
