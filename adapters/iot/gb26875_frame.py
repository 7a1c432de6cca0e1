"""GB/T 26875.3's frames, found in whatever a connection carries, in bounded memory; and the answers to them.

The standard's (6.6): `@@`, serial number, version, time, source, destination, length, command, data, sum, `##`. Some
transmission devices speak another, `0x68`, length, address, command, data, sum, `0x16`, which is known from one public
implementation only.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from adapters.contract import Unreadable

SEND, CONFIRM, ANSWER, DENY = 2, 3, 5, 6
"""The standard's commands (table 2)."""
_HEAD = 27  # bytes before the data
_TAIL = 3
_SHOWN = 4096
"""Bytes that are kept of what is no frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    command: int
    data: bytes
    source: bytes = b""  # the transmission device's address, low byte first


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """`raw` as it came. `noise`: it holds no frame, and had so many bytes, of which the first are kept."""

    raw: bytes
    noise: int | None = None


def parse(raw: bytes, framing: str, most: int) -> Frame:
    """One whole frame. Raises Unreadable."""
    return _parse_standard(raw, most) if framing == "standard" else _parse_short(raw, most)


def answer(raw: bytes, framing: str, *, confirmed: bool) -> bytes | None:
    """To a whole frame, also one with a wrong sum (6.3); None where the standard wants none.

    It bears the panel's own time, so that no clock is set by it.
    """
    if framing != "standard":
        inner = b"\x04\x00\x00\x80" + raw[4:5]
        return b"\x68" + inner + bytes([sum(inner) & 0xFF]) + b"\x16" if confirmed else None
    if raw[26] in (CONFIRM, ANSWER, DENY):
        return None
    command = CONFIRM if confirmed and raw[26] == SEND else DENY
    body = raw[2:12] + raw[18:24] + raw[12:18] + b"\0\0" + bytes([command])
    return b"@@" + body + bytes([sum(body) & 0xFF]) + b"##"


def _parse_standard(raw: bytes, most: int) -> Frame:
    if len(raw) < _HEAD + _TAIL or raw[:2] != b"@@" or raw[-2:] != b"##":
        raise Unreadable(f"{len(raw)} bytes that are no frame from @@ to ##")
    size = int.from_bytes(raw[24:26], "little")
    if size > most or len(raw) != _HEAD + size + _TAIL:
        raise Unreadable(f"the frame says that its data have {size} bytes, and it has {len(raw)} in all")
    if (total := sum(raw[2:-3]) & 0xFF) != raw[-3]:
        raise Unreadable(f"the sum is {total:#04x}, and the frame says {raw[-3]:#04x}", where="sum")
    return Frame(command=raw[26], data=raw[_HEAD : _HEAD + size], source=raw[12:18])


def _parse_short(raw: bytes, most: int) -> Frame:
    if len(raw) < 7 or raw[0] != 0x68 or raw[-1] != 0x16:
        raise Unreadable(f"{len(raw)} bytes that are no frame from 0x68 to 0x16")
    size = int.from_bytes(raw[1:3], "little")
    if size > most or len(raw) != size + 4:
        raise Unreadable(f"the frame says that it holds {size} bytes, and it has {len(raw)} in all")
    if (total := sum(raw[1:-2]) & 0xFF) != raw[-2]:
        raise Unreadable(f"the sum is {total:#04x}, and the frame says {raw[-2]:#04x}", where="sum")
    return Frame(command=raw[4], data=raw[5:-2])


@dataclass(slots=True)
class Frames:
    """`feed` it what arrives; it gives frames, right or with a wrong sum, and what stands between them."""

    framing: str
    most: int
    _buffer: bytearray = field(default_factory=bytearray)
    _noise: bytearray = field(default_factory=bytearray)
    _lost: int = 0

    def feed(self, data: bytes) -> Iterator[Piece]:
        self._buffer += data
        start = b"@@" if self.framing == "standard" else b"\x68"
        at = 0
        while True:
            found = self._buffer.find(start, at)
            if found < 0:
                found = max(at, len(self._buffer) - len(start) + 1)
                self._drop(at, found)
                break
            self._drop(at, found)
            at = found
            size = self._size(at)
            if size is None:  # not enough to tell, or not wholly there
                break
            if size == 0:
                self._drop(at, at + 1)
                at += 1
                continue
            yield from self._told()
            yield Piece(raw=bytes(self._buffer[at : at + size]))
            at += size
        del self._buffer[:at]
        if self._lost > 16 * _SHOWN:
            yield from self._told()

    def _size(self, at: int) -> int | None:
        """Of the frame that begins there; 0: none does."""
        there = len(self._buffer) - at
        if self.framing == "standard":
            if there < _HEAD:
                return None
            length = int.from_bytes(self._buffer[at + 24 : at + 26], "little")
            size, end = _HEAD + length + _TAIL, b"##"
        else:
            if there < 3:
                return None
            length = int.from_bytes(self._buffer[at + 1 : at + 3], "little")
            size, end = length + 4, b"\x16"
            if length < 3:
                return 0
        if length > self.most:
            return 0
        if there < size:
            return None
        return size if self._buffer[at + size - len(end) : at + size] == end else 0

    def _drop(self, start: int, end: int) -> None:
        if end > start:
            self._lost += end - start
            self._noise += self._buffer[start : min(end, start + _SHOWN - len(self._noise))]

    def _told(self) -> Iterator[Piece]:
        if self._lost:
            yield Piece(raw=bytes(self._noise), noise=self._lost)
            self._noise.clear()
            self._lost = 0
