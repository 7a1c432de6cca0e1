"""A stream of parts that arrives in any pieces: each part once, whole, and as soon as it is there."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.nvr.multipart import Multipart, Part, boundary_of
from tests.servers.isapi import part

MOST = 5000


def parts(data: bytes, chance: random.Random | None = None) -> list[Part]:
    stream, found = Multipart("boundary", MOST), list[Part]()
    while data:
        size = len(data) if chance is None else chance.choice((1, 2, 3, 7, 50, 1000, 9000))
        found += stream.feed(data[:size])
        data = data[size:]
    return found


@pytest.mark.parametrize("seed", range(30))
def test_any_pieces_give_the_same(seed: int) -> None:
    chance = random.Random(seed)
    said, wanted = b"", []
    for number in range(40):
        body = b"<EventNotificationAlert>%d%s</EventNotificationAlert>" % (number, b"x" * chance.choice((0, 50, 3000)))
        match chance.randrange(6):
            case 0:
                said += part(chance.randbytes(chance.choice((0, 10, 20_000))).replace(b"--", b"-+"), "image/jpeg")
                continue
            case 1:
                body = b'{"eventType": %d}' % number
                said += part(body, "application/json")
            case 2:
                said += part(body, length=None)
            case 3:
                said += part(body, length=len(body) + 100_000) + b"--boundary--\r\n"  # the length is wrong
            case 4:
                said += part(body, length=17)
            case _:
                said += part(body).replace(b"\r\n\r\n", b"\n\n", 1)
        wanted.append(body)
    found = parts(said + part(b"<end/>"), chance)
    assert [one.data for one in found] == [*wanted, b"<end/>"]
    assert all(one.cut is None for one in found)


def test_a_part_is_there_before_the_next_begins() -> None:
    for said in (part(b"<a></a>"), part(b"<EventNotificationAlert></EventNotificationAlert>", length=None)):
        stream = Multipart("boundary", MOST)
        assert len(list(stream.feed(said))) == 1
    broken = Multipart("boundary", MOST)
    assert [one.data for one in broken.feed(part(b"<a><cut"))] == [b"<a><cut"]


@pytest.mark.parametrize("length", [-1, None])
def test_what_is_too_long_is_cut_and_says_how_long_it_was(length: int | None) -> None:
    long, *rest = parts(part(b"<a>" + b"y" * 100_000, length=length) + part(b"<b/>"), random.Random(1))
    assert long.cut is not None
    assert 100_000 <= long.cut <= 100_010
    assert len(long.data) <= 4096
    assert [one.data for one in rest] == [b"<b/>"]


def test_noise_between_parts_is_told_and_line_ends_are_not() -> None:
    found = parts(b"\r\n\r\n--boundary--\r\n\r\n" + part(b"<a/>") + b"HTTP/1.1 500 oops\r\n" + part(b"<b/>"))
    assert [(one.data, one.cut is not None) for one in found] == [
        (b"<a/>", False),
        (b"HTTP/1.1 500 oops\r\n", True),
        (b"<b/>", False),
    ]


@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"--boundary", b"\r\n", b"\n\n", b"Content-Length: 5\r\n"])))
def test_any_noise_is_borne_in_bounds(noise: list[bytes]) -> None:
    stream = Multipart("boundary", 100)
    for piece in noise * 20:
        for one in stream.feed(piece):
            assert len(one.data) <= 4096
        assert len(stream._buffer) <= 40_000
    assert any(
        one.data == b"<last/>" for one in stream.feed(b"\r\n--boundary\r\n\r\n--boundary\r\n\r\n" + part(b"<last/>"))
    )


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/mixed; boundary=boundary", "boundary"),
        ('multipart/mixed; boundary="<frontier>"', "<frontier>"),
        ("Multipart/Form-Data; charset=utf-8; boundary=--MIME", "MIME"),
        ("multipart/x-mixed-replace", "boundary"),
        ("application/xml", None),
        ("", None),
    ],
)
def test_the_boundary(header: str, boundary: str | None) -> None:
    assert boundary_of(header) == boundary
