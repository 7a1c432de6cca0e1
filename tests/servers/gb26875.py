"""A fire panel's transmission device of our own, written from GB/T 26875.3: it connects, reports, and repeats what was
not confirmed. It shares no code with the adapter.
"""

import contextlib
import socket
import struct
import threading
import time
from collections import OrderedDict
from datetime import datetime

WINDOW = 8
"""Frames that wait for their confirmation at once."""


def stamp(at: datetime) -> bytes:
    return struct.pack("6B", at.second, at.minute, at.hour, at.day, at.month, at.year - 2000)


def packed(
    *, command: int, data: bytes, serial: int, address: int, at: datetime, version: bytes = b"\x01\x01"
) -> bytes:
    """The standard's frame (6.6)."""
    control = struct.pack("<H", serial) + version + stamp(at)
    control += address.to_bytes(6, "little") + (88888).to_bytes(6, "little") + struct.pack("<HB", len(data), command)
    return b"@@" + control + data + struct.pack("B", sum(control + data) % 256) + b"##"


def component_state(component: int, zone: int, number: int, word: int, told: str, at: datetime) -> bytes:
    """8.3.1.2, one object, of the fire alarm system 1."""
    body = struct.pack("<BBBHHH", 1, 1, component, zone, number, word)
    return b"\x02\x01" + body + told.encode("gb18030")[:31].ljust(31, b"\0") + stamp(at)


def component_value(component: int, zone: int, number: int, kind: int, count: int, at: datetime) -> bytes:
    """8.3.1.3, one object."""
    return b"\x03\x01" + struct.pack("<BBBHHBh", 1, 1, component, zone, number, kind, count) + stamp(at)


def system_state(kind: int, address: int, word: int, at: datetime) -> bytes:
    """8.3.1.1, one object."""
    return b"\x01\x01" + struct.pack("<BBH", kind, address, word) + stamp(at)


class Panel:
    """`report` queues a data unit; what the centre sent back is in `heard`."""

    def __init__(self, port: int, address: int = 889, heartbeat: float = 0.3) -> None:
        self.heard: list[bytes] = []
        self.denied = 0
        self._port = port
        self._address = address
        self._heartbeat = heartbeat
        self._clock = datetime.fromisoformat("2026-03-01T08:00:00")
        self._serial = 0
        self._waiting: OrderedDict[int, bytes] = OrderedDict()
        self._raw: list[bytes] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(5)
            self._thread = None

    def report(self, data: bytes, at: datetime) -> bytes:
        with self._lock:
            self._serial = (self._serial + 1) % 65536
            frame = packed(command=2, data=data, serial=self._serial, address=self._address, at=at)
            self._waiting[self._serial] = frame
        return frame

    def blurt(self, raw: bytes) -> None:
        """Bytes as they are, which nobody confirms."""
        with self._lock:
            self._raw.append(raw)

    @property
    def unconfirmed(self) -> int:
        with self._lock:
            return len(self._waiting)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=1) as link:
                    self._talk(link)
            except OSError:
                time.sleep(0.03)

    def _talk(self, link: socket.socket) -> None:
        sent: set[int] = set()
        buffer, beat = b"", 0.0
        link.settimeout(0.02)
        while not self._stopping.is_set():
            if time.monotonic() > beat:
                beat = time.monotonic() + self._heartbeat
                link.sendall(packed(command=2, data=b"", serial=0, address=self._address, at=self._clock))
            with self._lock:
                raw, self._raw = self._raw, []
                due = [(n, f) for n, f in list(self._waiting.items())[:WINDOW] if n not in sent]
            link.settimeout(5)
            for each in raw:
                link.sendall(each)
            for number, frame in due:
                link.sendall(frame)
                sent.add(number)
            link.settimeout(0.02)
            with contextlib.suppress(TimeoutError):
                data = link.recv(65536)
                if not data:
                    return
                self.heard.append(data)
                buffer = self._answered(buffer + data, sent)

    def _answered(self, buffer: bytes, sent: set[int]) -> bytes:
        while len(buffer) >= 30:
            if buffer[:2] != b"@@":
                buffer = buffer[1:]
                continue
            size = 30 + struct.unpack_from("<H", buffer, 24)[0]
            if len(buffer) < size:
                break
            one, buffer = buffer[:size], buffer[size:]
            serial, command = struct.unpack_from("<H", one, 2)[0], one[26]
            right = one[-2:] == b"##" and one[-3] == sum(one[2:-3]) % 256
            to_us = int.from_bytes(one[18:24], "little") == self._address
            with self._lock:
                if right and to_us and command == 3:
                    self._waiting.pop(serial, None)
                elif right and to_us and command == 6:
                    self.denied += 1
                    sent.discard(serial)
        return buffer
