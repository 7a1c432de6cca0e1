"""More than a hub can bear: by one document, one client, one socket. Each is refused at once, and the hub lives on."""

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
from websockets.exceptions import ConnectionClosed

from tests.attacks.attempt import (
    COUNT,
    Attempt,
    answered,
    closed_with,
    greeted,
    must,
    opened,
    refused,
    refused_by_code,
    say,
    subscribed,
)
from tests.attacks.park import Park

SECONDS = 5.0
"""That a refusal may take of the hub's own processor time."""
MEGABYTES = 100
"""That the hub may grow by while it refuses."""

_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_TICKS = os.sysconf("SC_CLK_TCK")


def _answers(park: Park) -> None:
    assert answered(park.ask(park.commander(), COUNT))["organizations"]["totalCount"] == 2


def _listens(park: Park) -> None:
    subscribed(park, park.commander())


def _bounded(attack: Callable[[Park], str], park: Park) -> str:
    """The attack, which may cost the hub so much time and memory at most."""
    before, memory = _used(park), _resident(park)
    how = attack(park)
    spent, grown = _used(park) - before, _resident(park) - memory
    must(spent < SECONDS, f"it took the hub {spent:.1f} s")
    must(grown < MEGABYTES, f"the hub grew by {grown:.0f} MB")
    return how


def _used(park: Park) -> float:
    """Seconds of processor time."""
    fields = _proc(park, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _resident(park: Park) -> float:
    """Megabytes."""
    line = next(line for line in _proc(park, "status").splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def _proc(park: Park, what: str) -> str:
    assert park.hub is not None
    return Path(f"/proc/{park.hub.pid}/{what}").read_text(encoding="utf-8")


def _open_files(park: Park) -> int:
    assert park.hub is not None
    return sum(1 for _ in Path(f"/proc/{park.hub.pid}/fd").iterdir())


def _document(park: Park, query: str) -> str:
    return refused_by_code(park.ask(park.commander(), query), "BAD_REQUEST", "COST_EXCEEDED")


def _large(park: Park) -> str:
    """As large as is read at all."""
    query = "{ " + "name " * 199_000 + "}"
    return _document(park, query)


def _too_large(park: Park) -> str:
    headers = {"authorization": f"Bearer {park.commander()}", "content-type": "application/json"}
    body = b'{"query": "{ ' + b"name " * 220_000 + b'}"}'
    return refused(httpx.post(f"{park.url}/graphql", content=body, headers=headers, timeout=30), 413)


def _too_large_over_a_socket(park: Park) -> str:
    with greeted(park, park.commander()) as connection:
        with suppress(ConnectionClosed):
            say(connection, id="1", type="subscribe", payload={"query": "{ " + "name " * 220_000 + "}"})
        return closed_with(connection, 1009)


def _forged_without_end(park: Park) -> str:
    one = {"__typename": "Asset", "id": "01890000-0000-7000-8000-000000000000", "name": "forged"}
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Asset { name } } }"
    body = park.ask(park.commander(), query, r=[one] * 5000)
    must("forged" not in str(body), body)
    if body.get("errors"):
        return refused_by_code(body, "COST_EXCEEDED", "BAD_REQUEST")
    must(body["data"]["_entities"] == [None] * 5000, body)
    return "null"


def _frames(park: Park, *frames: bytes) -> int:
    """The close code after the handshake and these frames, as they are."""
    with socket.create_connection(("127.0.0.1", park.port), timeout=20) as raw:
        raw.sendall(
            f"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{park.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {_KEY}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )
        stream = raw.makefile("rb")
        must(b" 101 " in stream.readline(), "no WebSocket")
        while stream.readline() != b"\r\n":
            pass
        for frame in frames:
            raw.sendall(frame)
        head = stream.read(2)
        must(len(head) == 2 and head[0] & 0x0F == 8, f"no close frame but {head!r}")
        return int(struct.unpack("!H", stream.read(head[1] & 0x7F)[:2])[0])


def _masked(first: int, payload: bytes) -> bytes:
    """A client's frame of fewer than 126 bytes; the mask is zero."""
    return bytes([first, 0x80 | len(payload)]) + b"\0\0\0\0" + payload


def _malformed(park: Park, frames: tuple[bytes, ...], code: int) -> str:
    found = _frames(park, *frames)
    must(found == code, f"closed with {found}")
    return f"closed {found}"


_TEXT, _CONTINUED = 0x81, 0x80
_BROKEN = (
    ("without a mask", (bytes([_TEXT, 2]) + b"{}",), 1002),
    ("with a reserved bit", (_masked(_TEXT | 0x40, b"{}"),), 1002),
    ("of an unknown kind", (_masked(0x83, b"{}"),), 1002),
    ("that continue nothing", (_masked(_CONTINUED, b"{}"),), 1002),
    ("a ping in two parts", (_masked(0x09, b"x"),), 1002),
    ("that are not UTF-8", (_masked(_TEXT, b"\xff\xfe"),), 1007),
    ("with a length of 2^62", (bytes([_TEXT, 0xFF]) + struct.pack("!Q", 1 << 62) + b"\0\0\0\0",), 1009),
)


def _reads_nothing(park: Park) -> str:
    """Sends what is answered, as long as it can, and takes none of the answers: it is let go."""
    with greeted(park, park.commander()) as connection:
        raw = connection.socket  # its reader stops after a few messages that nobody takes
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        until = time.monotonic() + 60
        try:
            while True:
                say(connection, type="ping", payload={"echo": "x" * 100_000})
                must(time.monotonic() < until, "it was served for a minute")
        except (ConnectionClosed, OSError):
            return "let go"
        finally:
            raw.close()


def _reconnects(park: Park) -> str:
    """A hundred a second for three seconds; meanwhile another is answered, and then nothing of it is left."""
    before = _open_files(park)
    begun = time.monotonic()
    for number in range(300):
        connection = opened(park)
        if number % 3 == 0:
            say(connection, type="connection_init", payload={"authorization": f"Bearer {park.commander()}"})
        if number % 3 == 1:
            connection.socket.close()  # without a word
        else:
            connection.close_timeout = 0.1
            connection.close()
        if number % 100 == 50:
            _answers(park)
        time.sleep(max(0.0, begun + (number + 1) / 100 - time.monotonic()))
    until = time.monotonic() + 20
    while _open_files(park) > before + 5:
        must(time.monotonic() < until, f"{_open_files(park)} files are open, {before} were")
        time.sleep(0.1)
    return "each is let go"


def attempts() -> Iterator[Attempt]:
    aliases = "{ " + " ".join(f"a{n}: __typename" for n in range(10_000)) + " }"
    few = "{ " + " ".join(f"a{n}: __typename" for n in range(2_000)) + " }"
    deep = "{ a " * 50_000
    nested = "{ places { nodes { " + "partOf { " * 500 + "name" + " }" * 500 + " } } }"
    value = "{ places(filter: " + "{a: " * 5_000 + "1" + "}" * 5_000 + ") { totalCount } }"
    for name, attack in (
        ("a document of almost a megabyte", _large),
        ("a document of more than a megabyte", _too_large),
        ("a message of more than a megabyte", _too_large_over_a_socket),
        ("ten thousand aliases", partial(_document, query=aliases)),
        ("two thousand aliases of no cost", partial(_document, query=few)),
        ("fifty thousand open braces", partial(_document, query=deep)),
        ("five hundred levels", partial(_document, query=nested)),
        ("a value of five thousand levels", partial(_document, query=value)),
        ("five thousand forged representations", _forged_without_end),
    ):
        yield Attempt(name=f"flood: {name}", tries="is too much", attack=partial(_bounded, attack), companion=_answers)
    for name, frames, code in _BROKEN:
        attack = partial(_malformed, frames=frames, code=code)
        yield Attempt(name=f"flood: frames {name}", tries="breaks RFC 6455", attack=attack, companion=_listens)
    for name, attack in (
        ("a client that never reads", _reads_nothing),
        ("a hundred connections a second", _reconnects),
    ):
        yield Attempt(
            name=f"flood: {name}", tries="wears the hub out", attack=partial(_bounded, attack), companion=_listens
        )
