"""A request on its way in: tells from the bytes that are here whether it is whole, without waiting for any.

It looks at the framing alone. gunicorn's parser judges everything else, and refuses what is wrong with it.
"""

from __future__ import annotations

import re

# Of a head. More than any browser or proxy sends, and less than a hundred clients could hurt us with.
HEAD_MAX = 64 * 1024
# Of what wraps chunks beyond what they hold: 13,000 of them, where no client that means well averages fewer than 20 bytes a chunk.
_WRAPPING_MAX = 64 * 1024
# Of one line between chunks, and of what may follow the last one. gunicorn refuses longer lines.
_LINE_MAX = 8 * 1024

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked[ \t]*\r\n", re.IGNORECASE)
_CONTINUE = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_SIZE = re.compile(rb"[0-9a-fA-F]{1,15}")


class Arrival:
    """The bytes of one request so far. Takes time in proportion to the bytes, however small the pieces are that they come in."""

    def __init__(self, body_max: int) -> None:
        self.received = bytearray()
        self.has_head = False
        self.expects_continue = False
        # Nothing more is waited for: the request is whole, or it can be refused by what is here.
        self.is_complete = False
        self._body_max = body_max
        self._length: int | None = None
        self._is_plain = False
        self._head_ends = 0
        # Where the next line of chunks begins, and how long the chunks before it are.
        self._at = 0
        self._in_chunks = 0

    @property
    def head_is_too_large(self) -> bool:
        return not self.has_head and len(self.received) > HEAD_MAX

    @property
    def is_alone(self) -> bool:
        """Tell whether what is here is one request, whose length all readers understand alike, and nothing after it."""
        return self._is_plain and self._length is not None and len(self.received) == self._head_ends + self._length

    def take(self, data: bytes) -> None:
        searched = max(0, len(self.received) - 3)
        self.received += data
        if not self.has_head:
            self._look_for_head(searched)
        if self.has_head and not self.is_complete:
            self.is_complete = self._body_is_here()

    def _look_for_head(self, searched: int) -> None:
        # An empty line may stand before the request; it is not the head's end.
        first = 2 if self.received.startswith(b"\r\n") else 0
        end = self.received.find(b"\r\n\r\n", max(searched, first))
        if end < 0:
            return
        self.has_head = True
        self._head_ends = self._at = end + 4
        head = bytes(self.received[: end + 2])
        # A client of HTTP/1.0 knows no such answer (RFC 9110, 10.1.1).
        self.expects_continue = b" HTTP/1.0\r\n" not in head and bool(_CONTINUE.search(head))
        if not _CHUNKED.search(head):
            length = _LENGTH.search(head)
            self._length = int(length[1]) if length else 0
            self._is_plain = _is_plain(head, has_length=length is not None)

    def _body_is_here(self) -> bool:
        if self._length is None:
            return self._chunks_are_here()
        # One that announces more than any door takes is refused by its head.
        return self._length > self._body_max or len(self.received) >= self._head_ends + self._length

    def _chunks_are_here(self) -> bool:
        """Walk on from chunk to chunk. What is malformed counts as here: the parser refuses it."""
        while (line_ends := self.received.find(b"\r\n", self._at)) >= 0:
            size = self.received[self._at : line_ends].split(b";", 1)[0].strip()
            if not _SIZE.fullmatch(size):
                return True
            if not (length := int(size, 16)):
                return self._trailers_are_here(line_ends)
            self._in_chunks += length
            self._at = line_ends + 2 + length + 2
            if self._at - self._head_ends - self._in_chunks > _WRAPPING_MAX:
                return True
        missing = self._at - len(self.received)
        return -missing > _LINE_MAX or self._is_too_much(max(missing - 2, 0))

    def _trailers_are_here(self, line_ends: int) -> bool:
        return self.received.find(b"\r\n\r\n", line_ends) >= 0 or len(self.received) - line_ends > _LINE_MAX

    def _is_too_much(self, missing: int) -> bool:
        """Tell whether the chunks that are here hold more than any door takes, or whether their sizes outweigh their contents."""
        wrapped = len(self.received) - self._head_ends
        return self._in_chunks - missing > self._body_max or wrapped > self._body_max + _WRAPPING_MAX


def _is_plain(head: bytes, *, has_length: bool) -> bool:
    """Tell whether a head says its body's length in one way alone.

    A proxy that read another length would take for a part of this request what we read as the next one.
    """
    lower = head.lower()
    ends = head.count(b"\r\n")
    return (
        lower.count(b"content-length") == has_length
        and b"transfer-encoding" not in lower
        and head.count(b"\n") == head.count(b"\r") == ends
    )
