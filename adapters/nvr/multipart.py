"""A multipart stream that never ends, cut into its parts as they arrive (RFC 2046), in bounded memory.

Devices differ: with and without Content-Length, with one that is wrong, with parts that break off. A part is handed on
as soon as it is whole, not when the next one begins, which may be hours later.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BOUNDARY = re.compile(r'\bboundary\s*=\s*(?:"([^"]*)"|([^\s;]*))', re.IGNORECASE)
_HEAD = 16 << 10
"""Bytes of one part's header; RFC 2046 knows no bound, devices use some 100."""
_SHOWN = 4096
"""Bytes that are kept of what is too long or no part at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`cut`: the bytes that there were, where only the beginning was kept."""

    kind: str  # the media type, in lower case; "" where none is said
    data: bytes
    cut: int | None = None


def boundary_of(content_type: str) -> str | None:
    """None where it is no multipart; many devices quote the boundary, some name none and mean `boundary`."""
    kind, _, rest = content_type.partition(";")
    if not kind.strip().lower().startswith("multipart/"):
        return None
    found = _BOUNDARY.search(rest)
    return (found[1] or found[2] or "").strip().removeprefix("--") or "boundary" if found else "boundary"


class Multipart:
    """`feed` it what arrives; it gives the parts that became whole. Pictures and other binary parts are let go."""

    def __init__(self, boundary: str, most: int) -> None:
        self._delimiter = b"--" + boundary.encode("latin-1", errors="replace")
        self._most = most
        self._buffer = bytearray()
        self._kind: str | None = None  # of the part whose body is being read; None: between parts
        self._length: int | None = None  # of its body, as its header says
        self._wanted = True
        self._dropped = 0  # bytes of the body, or between parts, that were let go
        self._begun = b""  # of those, the first
        self._searched = 0  # index in the buffer before which no delimiter begins

    def feed(self, data: bytes) -> Iterator[Part]:
        self._buffer += data
        while True:
            before = len(self._buffer), self._kind
            part = self._between() if self._kind is None else self._body()
            if part is not None:
                yield part
            elif before == (len(self._buffer), self._kind):
                return

    def _between(self) -> Part | None:
        """Lets go what is no part, and reads the next part's header."""
        at = self._buffer.find(self._delimiter)
        if at < 0:
            return self._drop(len(self._buffer) - len(self._delimiter) + 1)
        if at:
            return self._drop(at)
        crlf = self._buffer.find(b"\r\n\r\n", 0, _HEAD)
        lf = self._buffer.find(b"\n\n", 0, crlf if crlf >= 0 else _HEAD)
        end, size = (lf, 2) if lf >= 0 else (crlf, 4)
        # A delimiter without a header of its own: the last part's, with another stream after it.
        later = self._buffer.rfind(self._delimiter, 1, end if end >= 0 else len(self._buffer))
        if later > 0 or (end < 0 and len(self._buffer) > _HEAD):
            del self._buffer[: later if later > 0 else len(self._delimiter)]
            return None
        if end < 0:
            return None
        head = bytes(self._buffer[len(self._delimiter) : end])
        strayed = self._told()
        self._kind, self._length = _header(head)
        self._wanted = not self._kind.startswith(("image/", "video/", "audio/", "application/octet-stream"))
        del self._buffer[: end + size]
        self._searched = 0
        return strayed

    def _drop(self, size: int) -> Part | None:
        """Of what stands between parts; what is more than line ends and the last delimiter is told, once it is much."""
        if size <= 0:
            return None
        gone = bytes(self._buffer[:size])
        del self._buffer[:size]
        if not self._dropped:
            gone = gone.lstrip(b"\r\n-")
        self._begun = (self._begun + gone)[:_SHOWN]
        self._dropped += len(gone)
        return self._told() if self._dropped > self._most else None

    def _told(self) -> Part | None:
        if not self._begun.strip(b"\r\n- \t"):
            self._begun, self._dropped = b"", 0
            return None
        told = Part(kind="", data=self._begun, cut=self._dropped)
        self._begun, self._dropped = b"", 0
        return told

    def _body(self) -> Part | None:
        next_part = self._buffer.find(self._delimiter, max(0, self._searched - len(self._delimiter)))
        self._searched = len(self._buffer)
        known = self._length is not None and self._dropped + len(self._buffer) >= self._length
        if known and (next_part < 0 or self._dropped + next_part >= (self._length or 0)):
            end = (self._length or 0) - self._dropped
            if end >= 0 and self._is_whole(end):
                return self._finish(end)
        if self._length is None and self._wanted and next_part < 0 and self._is_document():
            return self._finish(len(self._buffer))
        if next_part >= 0:
            return self._finish(next_part)
        self._trim()
        return None

    def _trim(self) -> None:
        """Keeps no more of an unfinished body than is of use."""
        spare = len(self._buffer) - len(self._delimiter)  # a delimiter may have begun in what is kept
        if spare > 0 and (not self._wanted or self._dropped or spare > self._most):
            self._begun = (self._begun + bytes(self._buffer[:spare]))[:_SHOWN]
            self._dropped += spare
            del self._buffer[:spare]
            self._searched = 0

    def _is_whole(self, end: int) -> bool:
        """A length that is too small would cut a document. One that breaks off has the line's end after it, no more."""
        if not self._wanted or self._dropped:
            return True
        body = bytes(self._buffer[:end]).rstrip()
        after = bytes(self._buffer[end : end + 3])
        return body.lstrip()[:1] != b"<" or body.endswith(b">") or after in {b"\r\n", b"\n"}

    def _is_document(self) -> bool:
        """Without a length: the end of an event's XML."""
        return bytes(self._buffer[-64:]).rstrip().endswith(b"</EventNotificationAlert>")

    def _finish(self, end: int) -> Part | None:
        data, kind = bytes(self._buffer[:end]), self._kind or ""
        del self._buffer[:end]
        wanted, begun, dropped = self._wanted, self._begun, self._dropped
        self._kind, self._begun, self._dropped = None, b"", 0
        if not wanted:
            return None
        if dropped or len(data) > self._most:
            return Part(kind=kind, data=(begun + data)[:_SHOWN], cut=dropped + len(data))
        data = data.strip()
        return Part(kind=kind, data=data) if data else None


def _header(head: bytes) -> tuple[str, int | None]:
    kind, length = "", None
    for line in head.splitlines():
        name, _, value = line.decode("latin-1").partition(":")
        value = value.strip()
        if name.strip().lower() == "content-type":
            kind = value.partition(";")[0].strip().lower()
        elif name.strip().lower() == "content-length" and value.isascii() and value.isdigit() and len(value) < 12:
            length = int(value)
    return kind, length
