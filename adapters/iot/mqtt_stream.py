"""The bytes between paho and the broker: messages are taken out of them by the thousand, all else is paho's.

paho asks the socket for one byte, then another, then a packet, and makes a dozen objects of each; a park's broker
sends thousands of messages a second. So a `Stream` stands where paho has its socket: it takes whole PUBLISH packets
of QoS 0 and 1 out of what arrives, and paho reads what remains. What is odd in any way is left for paho to judge.
"""

import ssl
import struct
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from paho.mqtt.client import Client

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

CHUNK = 1 << 16
"""Bytes that are read at once, so that others of the event loop have their turn."""

_RETAIN, _QOS, _DUP, _PUBLISH = 0x01, 0x06, 0x08, 0x30
_PUBACK = struct.Struct(">HH")
_AGAIN = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Message(NamedTuple):
    topic: str
    payload: bytes
    mid: int
    qos: int
    again: bool  # the broker may have sent it before
    cut: int | None  # the payload's length where only its beginning was kept


class Stream:
    """What paho takes for its socket. Messages go to `deliver`, their payloads cut past `most` bytes."""

    def __init__(self, connection: "SocketLike", deliver: Callable[[Message], None], *, v5: bool, most: int) -> None:
        self._connection = connection
        self._deliver = deliver
        self._v5 = v5
        self._most = most
        self._parts: list[bytes] = []  # of a packet that has not wholly arrived
        self._have = 0  # bytes in them
        self._need = 2  # bytes without which nothing can be told
        self._others = b""  # packets for paho
        self._end: bytes | OSError | None = None  # what the connection ended with
        self._unsent = bytearray()

    # What paho asks for.

    def recv(self, size: int) -> bytes:
        if self._others:
            given, self._others = self._others[:size], self._others[size:]
            return given
        if self._end is None:
            raise BlockingIOError
        if isinstance(self._end, OSError):
            raise self._end
        return self._end

    def send(self, data: bytes | bytearray) -> int:
        """Takes all of it; what the system does not take now waits for `flush`."""
        self._unsent += data
        self.flush()
        return len(data)

    def close(self) -> None:
        self._connection.close()

    def fileno(self) -> int:
        return self._connection.fileno()

    def setblocking(self, flag: bool) -> None:
        self._connection.setblocking(flag)

    # What the session asks for.

    @property
    def is_pahos(self) -> bool:
        """Something waits that paho should read: packets, or the connection's end."""
        return bool(self._others) or self._end is not None

    @property
    def is_unsent(self) -> bool:
        return bool(self._unsent)

    @property
    def is_pending(self) -> bool:
        """TLS holds bytes that the event loop cannot see."""
        return isinstance(self._connection, ssl.SSLSocket) and self._connection.pending() > 0

    def flush(self) -> None:
        """Raises OSError where the connection is lost."""
        while self._unsent:
            try:
                sent = self._connection.send(self._unsent)
            except _AGAIN:
                return
            del self._unsent[:sent]

    def acknowledge(self, mids: Iterable[int]) -> None:
        """One PUBACK each (MQTT 3.4), in one go. Raises OSError where the connection is lost."""
        self.send(b"".join([_PUBACK.pack(0x4002, mid) for mid in mids]))

    def take(self) -> None:
        """Reads what has arrived, at most `CHUNK` bytes."""
        try:
            data = self._connection.recv(CHUNK)
        except _AGAIN:
            return
        except OSError as error:
            self._end = error
            return
        if not data:
            self._end = b""
            return
        self._parts.append(data)
        self._have += len(data)
        if self._have >= self._need:
            data = b"".join(self._parts)
            left = self._split(data)
            self._parts = [data[left:]]
            self._have = len(data) - left

    def _split(self, data: bytes) -> int:
        """Hands on the packets that are whole; the index of the first that is not."""
        at, end = 0, len(data)
        others: list[bytes] = []
        while True:
            self._need = 2
            if end - at < 2:
                break
            size, body = data[at + 1], at + 2
            if size & 0x80:
                found = _length(data, at + 1)
                if found is None:
                    if end - at > 5:  # no packet begins so: paho may say it
                        others.append(data[at:])
                        at = end
                    self._need = end - at + 1
                    break
                size, body = found
            stop = body + size
            if stop > end:
                self._need = stop - at
                break
            message = self._message(data, data[at], body, stop) if data[at] & 0xF0 == _PUBLISH else None
            if message is None:
                others.append(data[at:stop])
            else:
                self._deliver(message)
            at = stop
        if others:
            self._others += b"".join(others)
        return at

    def _message(self, data: bytes, first: int, at: int, stop: int) -> Message | None:
        """A PUBLISH packet's message (MQTT 3.3); None for what paho should look at."""
        qos = (first & _QOS) >> 1
        if stop - at < 2 or qos > 1:
            return None
        name, at = at + 2, at + 2 + (data[at] << 8) + data[at + 1]
        ends, mid = at, 0
        if qos:
            if at + 2 > stop:
                return None
            mid, at = (data[at] << 8) + data[at + 1], at + 2
        if self._v5:
            if at >= stop:
                return None
            size, at = data[at], at + 1
            if size & 0x80:
                found = _length(data, at - 1)
                if found is None:
                    return None
                size, at = found
            at += size
        if at > stop or ends == name or (qos and not mid):  # an empty topic is an alias, which we do not take
            return None
        try:
            topic = data[name:ends].decode()
        except UnicodeDecodeError:
            topic = "\ufffd"
        cut = None
        if stop - at > self._most:
            cut, stop = stop - at, at + self._most + 1  # still too long, so that it never decodes
        return Message(topic, data[at:stop], mid, qos, first & (_DUP | _RETAIN) != 0, cut)


def _length(data: bytes, at: int) -> tuple[int, int] | None:
    """The variable byte integer there (MQTT 1.5.5) and the index after it; None where it does not end."""
    size = 0
    for place in range(4):
        if at + place >= len(data):
            return None
        byte = data[at + place]
        size |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            return size, at + place + 1
    return None


class StreamClient(Client):
    """paho's client, over a `Stream`."""

    stream: Stream | None = None

    def over(self, deliver: Callable[[Message], None], *, v5: bool, most: int) -> None:
        self._deliver, self._version_5, self._most = deliver, v5, most

    def _create_socket(self) -> "SocketLike":  # where paho 2 makes its socket, TLS and all
        self.stream = Stream(super()._create_socket(), self._deliver, v5=self._version_5, most=self._most)
        return self.stream
