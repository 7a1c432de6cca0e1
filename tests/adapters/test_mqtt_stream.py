"""What arrives in any pieces: each message once and in order, and all else for paho, byte by byte."""

import random
import socket
import struct

import pytest

from adapters.iot.mqtt_stream import Message, Stream

MOST = 300


def length(size: int) -> bytes:
    found = bytearray()
    while True:
        size, byte = size >> 7, size & 0x7F
        found.append(byte | (0x80 if size else 0))
        if not size:
            return bytes(found)


def packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + length(len(body)) + body


def publish(topic: bytes, payload: bytes, *, mid: int, first: int = 0x32, properties: bytes | None) -> bytes:
    body = struct.pack(">H", len(topic)) + topic
    if first & 0x06:
        body += struct.pack(">H", mid)
    if properties is not None:
        body += length(len(properties)) + properties
    return packet(first, body + payload)


class Wire:
    """A stream over a real connection, and what came of it."""

    def __init__(self, *, v5: bool) -> None:
        self.broker, ours = socket.socketpair()
        ours.setblocking(False)
        self.messages: list[Message] = []
        self.stream = Stream(ours, self.messages.append, v5=v5, most=MOST)

    def arrive(self, data: bytes) -> None:
        self.broker.sendall(data)
        self.stream.take()

    def others(self) -> bytes:
        found = b""
        while self.stream.is_pahos:
            found += self.stream.recv(7)
        return found


@pytest.mark.parametrize("v5", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_any_pieces_give_the_same(v5: bool, seed: int) -> None:
    chance = random.Random(seed)
    said, wanted, others = b"", [], b""
    for number in range(1, 60):
        properties = (b"\x26\x00\x01a\x00\x01b" * chance.choice((0, 1, 40))) if v5 else None
        payload = chance.randbytes(chance.choice((0, 1, 40, 126, 127, 128, 299, 300, 301, 20_000)))
        topic = chance.choice((b"a", b"park/b2/t1", "楼".encode(), b"\xff\xfe"))
        first = chance.choice((0x30, 0x31, 0x32, 0x33, 0x38, 0x3A))
        qos = first >> 1 & 3
        match chance.randrange(4):
            case 0:
                odd = chance.choice(
                    (
                        packet(0xD0, b""),
                        packet(0x90, struct.pack(">H", number) + (b"\0" if v5 else b"") + b"\1"),
                        publish(b"twice", payload, mid=number, first=0x34, properties=properties),  # QoS 2
                        publish(b"", payload, mid=number, properties=properties),  # an alias
                        packet(0x32, b"\xff\xff"),  # a topic that is longer than its packet
                        packet(0x32, b"\x00\x01a\x00\x00" + (b"\0" if v5 else b"") + b"x"),  # number 0
                    )
                )
                said, others = said + odd, others + odd
            case _:
                said += publish(topic, payload, mid=number, first=first, properties=properties)
                name = "\ufffd" if topic[:1] == b"\xff" else topic.decode()
                cut = len(payload) if len(payload) > MOST else None
                again = bool(first & 0x09)
                wanted.append(Message(name, payload[: MOST + 1], number if qos else 0, qos, again, cut))
    wire = Wire(v5=v5)
    heard = b""
    while said:
        size = chance.choice((1, 2, 3, 5, 100, 5000, 60_000))
        wire.arrive(said[:size])
        said = said[size:]
        heard += wire.others()
    assert wire.messages == wanted
    assert heard == others


def test_a_length_without_end_is_left_to_paho_at_once() -> None:
    wire = Wire(v5=True)
    wire.arrive(b"\x32\xff\xff\xff\xff\xff")
    assert wire.others() == b"\x32\xff\xff\xff\xff\xff"


def test_the_end_of_the_connection_comes_after_what_was_said() -> None:
    wire = Wire(v5=False)
    wire.arrive(publish(b"a", b"1", mid=1, properties=None) + packet(0xD0, b""))
    wire.broker.close()
    wire.stream.take()
    assert [message.payload for message in wire.messages] == [b"1"]
    assert wire.stream.recv(2) == b"\xd0\x00"
    assert wire.stream.recv(2) == b""


def test_what_the_system_does_not_take_at_once_is_sent_later_and_in_order() -> None:
    wire = Wire(v5=False)
    mids = [1 + number % 65535 for number in range(400_000)]
    wire.stream.acknowledge(mids)
    assert wire.stream.is_unsent
    heard = bytearray()
    while len(heard) < 4 * len(mids):
        heard += wire.broker.recv(1 << 20)
        wire.stream.flush()
    assert not wire.stream.is_unsent
    assert bytes(heard) == b"".join(b"\x40\x02" + struct.pack(">H", mid) for mid in mids)
