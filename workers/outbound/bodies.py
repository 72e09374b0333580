"""The bytes of an answer: no more of them than we take, neither as they come nor once they are decoded.

Our requests ask for no encoding. Where an answer is encoded nevertheless, it is decoded here, piece by piece and counted: an HTTP
library would make a gigabyte of a kilobyte before we saw the first byte.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from workers.errors import ProviderFailure

# A page of 100 products with descriptions stays far below, and so does a picture that Wix takes.
MOST_BYTES = 16 * 1024 * 1024
# A long article has less than 100 KB. Read as JSON, a body may take twenty times its size.
MOST_BYTES_OF_TEXT = 1024 * 1024
# A proxy may encode what its server has encoded already.
_MOST_ENCODINGS = 2
_WINDOW_BITS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
# Words that servers and proxies write there for a body that is as it is.
_NO_ENCODINGS = {"", "identity", "none", "binary", "utf-8", "utf8", "7bit", "8bit", "aws-chunked"}
_PIECE_BYTES = 64 * 1024
# With these bytes a member of gzip begins.
_GZIP = b"\x1f\x8b"


class UnusableBody(ProviderFailure):
    """The answer is too large, or comes in an encoding that we did not ask for and can't read."""

    def __init__(self, message: str) -> None:
        super().__init__("provider_unavailable", message)


def bounded(chunks: Iterable[bytes], encoding: str, most: int) -> Iterator[bytes]:
    """Yield a body without its Content-Encoding. Raises UnusableBody, at the latest after `most` bytes of any of its forms."""
    names = [name for part in encoding.split(",") if (name := part.strip().lower()) not in _NO_ENCODINGS]
    if len(names) > _MOST_ENCODINGS or not all(name in _WINDOW_BITS for name in names):
        raise UnusableBody("An answer came in an encoding that we did not ask for.")
    counted = _counted(chunks, most)
    for name in reversed(names):
        counted = _counted(_inflated(counted, _WINDOW_BITS[name]), most)
    yield from counted


def _counted(chunks: Iterable[bytes], most: int) -> Iterator[bytes]:
    count = 0
    for chunk in chunks:
        count += len(chunk)
        if count > most:
            raise UnusableBody(f"An answer has more than {most:,} bytes.")
        yield chunk


def _inflated(chunks: Iterable[bytes], window_bits: int) -> Iterator[bytes]:
    """Decode in small pieces. What follows the end of the encoded bytes is read, since it counts, and dropped."""
    inflater, came = zlib.decompressobj(window_bits), False
    try:
        for chunk in chunks:
            came, rest = came or bool(chunk), chunk
            while rest and not inflater.eof:
                yield inflater.decompress(rest, _PIECE_BYTES)
                rest = inflater.unconsumed_tail
            if inflater.unused_data.startswith(_GZIP):
                raise UnusableBody("An answer has several gzip members; its rest would be missing.")
        # By now all input is consumed. What zlib holds back is less than its window.
        yield inflater.flush()
    except zlib.error as broken:
        raise UnusableBody("An answer can't be decoded.") from broken
    if came and not inflater.eof:
        raise UnusableBody("An answer ended before its encoding did.")
