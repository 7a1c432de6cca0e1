"""XML from strangers: what is well is read whatever its namespace, and what would do harm is refused with a reason."""

import resource
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import xml
from adapters.contract import Unreadable

LAUGHS = "".join(
    f'<!ENTITY l{n} "{"".join(f"&l{n - 1};" for _ in range(10))}">' if n else '<!ENTITY l0 "ha">' for n in range(12)
)


def refused(document: str) -> str:
    began = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Unreadable) as unreadable:
        xml.parse(document.encode())
    assert time.monotonic() - began < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
    return unreadable.value.reason


@pytest.mark.parametrize("used", ["<a>&l11;</a>", '<a b="&l11;"/>', "<a/>"])
def test_a_bomb_is_refused_in_no_time(used: str) -> None:
    assert refused(f"<!DOCTYPE a [{LAUGHS}]>{used}")


def test_a_quadratic_bomb_is_refused() -> None:
    assert refused(f'<!DOCTYPE a [<!ENTITY x "{"x" * 100_000}">]><a>{"&x;" * 100_000}</a>')


def test_an_external_entity_reads_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("swordfish", encoding="utf-8")
    reason = refused(f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><a>&x;</a>')
    assert "entities" in reason
    assert "swordfish" not in reason
    refused(f'<!DOCTYPE a [<!ENTITY % x SYSTEM "{secret.as_uri()}"> %x;]><a/>')


def test_a_document_type_alone_is_no_harm() -> None:
    root = xml.parse(b'<!DOCTYPE rss PUBLIC "-//X//DTD 0.91//EN" "http://192.0.2.1/none.dtd"><rss><a>1</a></rss>')
    assert xml.text(root, "a") == "1"


@pytest.mark.parametrize("document", ["", "   ", "<a>", "<a><b></a>", "text", "<a>&nbsp;</a>", "<a>\0</a>"])
def test_what_is_not_well_formed_says_so(document: str) -> None:
    assert "not well-formed" in refused(document)


def test_depth_and_length_are_bounded() -> None:
    refused("<a>" * 100_000 + "</a>" * 100_000)
    with pytest.raises(Unreadable, match="past the limit of 10"):
        xml.parse(b"<a>12345678</a>", most=10)


def test_names_are_matched_without_their_namespace() -> None:
    for space in ("", ' xmlns="urn:psialliance-org"', ' xmlns="http://www.isapi.org/ver20/XMLSchema"'):
        root = xml.parse(f"<?xml version='1.0'?><!-- said --><r{space}><a/><b><c> d </c></b></r>".encode())
        assert xml.name(root) == "r"
        assert xml.text(root, "b", "c") == "d"
        assert xml.text(root, "a") is None
        assert xml.text(root, "no", "such") is None
        assert [xml.name(child) for child in xml.children(root)] == ["a", "b"]
        assert xml.text(xml.first(root, "c")) == "d"


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_nothing_but_unreadable_leaves_it(data: bytes) -> None:
    try:
        xml.parse(data)
    except Unreadable as unreadable:
        assert unreadable.reason
