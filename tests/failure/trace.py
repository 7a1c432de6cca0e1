"""A trace by strace, read: when each message came from the broker, was synced to disk, and was acknowledged."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

CALL = re.compile(r"^(\d+)\s+(\w+)\((\d+)<(.*?)>(?=[,)\s])(.*)$")
RESUMED = re.compile(r"^(\d+)\s+<\.\.\. (\w+) resumed>(.*)$")
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
RECEIVING = frozenset({"read", "recv", "recvfrom", "recvmsg"})
SENDING = frozenset({"write", "send", "sendto", "sendmsg"})
SYNCING = frozenset({"fsync", "fdatasync"})


@dataclass(frozen=True, kw_only=True)
class Order:
    """One acknowledged message, by lines of the trace."""

    identifier: int
    received: int
    acknowledged: int
    on_disk: bool  # a sync of the journal's log began after the one and ended before the other


def orders(lines: Iterable[str], broker: int) -> list[Order]:
    """`lines` are those of `strace -f -yy -x`; `broker` is its port."""
    received: dict[int, int] = {}
    syncs: list[tuple[int, int]] = []
    found: list[Order] = []
    incoming, outgoing = b"", b""
    for begun, at, call, file, rest in _calls(lines):
        if call in SYNCING and file.endswith("/journal.db-wal") and rest.rstrip().endswith("= 0"):
            syncs.append((begun, at))
        elif file.startswith("TCP:") and file.endswith(f"->127.0.0.1:{broker}]"):
            data = b"".join(_bytes(text) for text in TEXT.findall(rest))
            if call in RECEIVING:
                packets, incoming = _packets(incoming + data)
                for kind, body in packets:
                    if kind >> 4 == 3 and kind & 6:  # PUBLISH, of QoS 1
                        size = int.from_bytes(body[:2], "big")
                        received[int.from_bytes(body[2 + size : 4 + size], "big")] = at
            elif call in SENDING:
                packets, outgoing = _packets(outgoing + data)
                for kind, body in packets:
                    if kind >> 4 == 4:  # PUBACK
                        identifier = int.from_bytes(body[:2], "big")
                        came = received.pop(identifier)
                        stored = any(came < start and end < begun for start, end in syncs)
                        found.append(Order(identifier=identifier, received=came, acknowledged=begun, on_disk=stored))
    return found


def _calls(lines: Iterable[str]) -> Iterator[tuple[int, int, str, str, str]]:
    """(line where it began, line where it ended, call, file, the rest): a call that another thread's interrupted in
    the trace is put together."""
    waiting: dict[str, tuple[int, str, str, str]] = {}
    for number, line in enumerate(lines):
        if (found := CALL.match(line)) is not None:
            process, call, _, file, rest = found.groups()
            if rest.endswith("<unfinished ...>"):
                waiting[process] = (number, call, file, rest.removesuffix("<unfinished ...>"))
                if call in SENDING:  # it may have left before the call came back
                    yield number, number, call, file, rest
            else:
                yield number, number, call, file, rest
        elif (found := RESUMED.match(line)) is not None and found[1] in waiting:
            begun, call, file, rest = waiting.pop(found[1])
            if call not in SENDING:
                yield begun, number, call, file, rest + found[3]


def _bytes(text: str) -> bytes:
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def _packets(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole MQTT packets of a stream, each its first byte and its body, and what is left."""
    found = []
    while len(data) > 1:
        length, shift, at = 0, 0, 1
        while at < len(data):
            byte = data[at]
            length |= (byte & 127) << shift
            shift, at = shift + 7, at + 1
            if byte < 128:
                break
        else:
            break
        if len(data) < at + length:
            break
        found.append((data[0], data[at : at + length]))
        data = data[at + length :]
    return found, data
