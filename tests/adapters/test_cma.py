"""China's warnings over a real HTTP server: the contract, identifiers, colours and Beijing time."""

import asyncio
from datetime import datetime
from pathlib import Path

import orjson
import pytest

from adapters.contract import Batch, Claim, CredentialsRefused, Raw, Source, Unreadable
from adapters.counterpart import closing
from adapters.government import gbt35965
from adapters.government.areas import loads
from adapters.government.cma import ADAPTER, Cma, CmaConfig
from adapters.testing import contract_tests
from hub.clock import now
from tests.adapters.cma_server import Alarms, detail, row, script, told
from tests.servers.pages import Pages

globals().update(contract_tests(ADAPTER, Alarms))

LONG, SHORT = "50011241600000_20260701140000_1", "50011241600000_20260701140000"
FILE = "101040700-20260701140000-0203.html"
TEXT = "渝北区气象台2026年7月1日14时00分发布暴雨橙色预警信号：请注意防范。"
SHAPE = {"coordinates": [[[106.5, 29.7], [106.6, 29.7], [106.6, 29.8], [106.5, 29.7]]]}


def cma(**given: object) -> Cma:
    made = ADAPTER.factory(Source(id="s"), CmaConfig.model_validate(given))
    assert isinstance(made, Cma)
    return made


def one(data: bytes) -> Claim:
    (claim,) = cma().decode(Raw(key="k", received_at=now(), data=data))
    assert isinstance(claim, Claim)
    return claim


def read(adapter: Cma) -> list[Batch]:
    async def run() -> list[Batch]:
        async with adapter, closing(adapter.read(None)) as batches:
            return [batch async for batch in batches]

    return asyncio.run(run())


@pytest.mark.parametrize("identifier", [LONG, SHORT])
def test_a_message_that_names_itself_is_read_and_not_linked_to_itself(identifier: str) -> None:
    claim = one(script(detail(identifier, TEXT)))
    assert claim.values == told(identifier, TEXT).values
    assert not claim.links
    assert (claim.values["sender_name"], claim.values["colour"]) == ("渝北区气象台", "ORANGE")
    assert claim.values["sent"] == datetime.fromisoformat("2026-07-01T06:00:00+00:00")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (LONG, True),
        (SHORT, True),
        (SHORT[:-1], False),
        ("x" + SHORT[1:], False),
        ("５" + SHORT[1:], False),
        ("", False),
    ],
)
def test_identifiers_of_31_and_29_characters(text: str, is_one: bool) -> None:
    assert gbt35965.is_identifier(text) is is_one
    assert (gbt35965.place_of(text) == "500112") is is_one
    assert gbt35965.issued_at("50011241600000_20261301140000") is None, "a month that there is not"


@pytest.mark.parametrize(
    "wrapped", [b"%s", b"\xef\xbb\xbf%s", b"var alarminfo = %s ;", b"jQuery17_1({0}%s)", b"cb(%s);"]
)
def test_json_however_it_is_wrapped(wrapped: bytes) -> None:
    data = wrapped.replace(b"{0}", b"").replace(b"%s", orjson.dumps(detail(LONG, TEXT)))
    assert one(data).external_id == LONG
    assert one(data.decode().encode("gb18030") if b"\xef\xbb" not in data else data).values["headline"]


@pytest.mark.parametrize(
    ("changed", "flag"),
    [
        ({"ISSUETIME": "soon"}, "sent_unreadable: soon"),
        ({"ISSUETIME": "2026-07-01 15:00:00"}, "sent_differs_from_identifier"),
        ({"RELIEVETIME": "99"}, "expires_unreadable: 99"),
        ({"SIGNALLEVEL": "", "LEVELCODE": "", "head": "重庆市渝北区发布预警"}, "colour_missing"),
        ({"head": "重庆市渝北区解除暴雨橙色预警信号"}, "cancel_told_in_title"),
        ({"msgType": "Alarm"}, "message_type_unknown: Alarm"),
        ({"identifier": "A-1"}, "identifier_malformed"),
    ],
)
def test_what_is_wrong_is_borne_with_and_told(changed: dict[str, object], flag: str) -> None:
    claim = one(script(detail(LONG, TEXT, **changed)))
    said = claim.values["flags"]
    assert isinstance(said, tuple) and flag in said
    assert claim.values["description"] == TEXT


@pytest.mark.parametrize(
    "data", [b"", b"<html/>", b"var x = {", b"[]x", b'{"a": 1}', b'{"data": {"list": 3}}', b"\xff\xfe\xff"]
)
def test_what_is_no_list_of_warnings_is_refused(data: bytes) -> None:
    try:
        assert not cma().decode(Raw(key="k", received_at=now(), data=data)), "an empty list alone gives nothing"
        assert data == b"[]x"
    except Unreadable as unreadable:
        assert unreadable.reason


def test_details_take_the_shape_of_their_row_and_a_row_stands_for_details_that_are_not_to_be_had() -> None:
    server = Pages()
    server.start()
    rows = [row(LONG, FILE, SHAPE), row(SHORT, FILE.replace("0203", "0204")), ["四川省", "x.html"]]
    url = server.put("/list", script({"count": "3", "data": rows}))
    server.put(f"/{FILE}", script(detail(LONG, TEXT)))
    given = {"url": url, "detail_url": f"{server.url}/{{file}}", "places": ["重庆"]}
    (batch,) = read(cma(**given))
    server.stop()
    claims = {r.external_id: r for r in batch.records if isinstance(r, Claim)}
    assert claims.keys() == {LONG, SHORT} and not batch.unreadable, "Sichuan was not asked for"
    areas = claims[LONG].values["areas"]
    assert isinstance(areas, str) and loads(areas).polygons[0][0] == (29.7, 106.5)
    assert claims[LONG].values["description"] == TEXT
    said = claims[SHORT].values["flags"]
    assert isinstance(said, tuple) and "from_feed_entry" in said and "404" in batch.faults[0].reason


def test_a_server_that_misses_its_referer_is_told_so(tmp_path: Path) -> None:
    alarms = Alarms(tmp_path)
    alarms.start()
    try:
        with pytest.raises(CredentialsRefused, match="Referer"):
            read(cma(**{**alarms.config(), "headers": {}}))
    finally:
        alarms.stop()
