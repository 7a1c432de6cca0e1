"""Earthquakes over a real HTTP server, and what their feeds say of them."""

from collections.abc import Mapping
from datetime import UTC, datetime

import orjson
import pytest

from adapters.contract import Claim, Raw, Source, Unreadable
from adapters.government.areas import Circle, loads
from adapters.government.earthquakes import ADAPTER, Earthquakes, EarthquakesConfig
from adapters.testing import contract_tests
from hub.clock import now
from tests.adapters.quake_server import Quakes, feature, told

globals().update(contract_tests(ADAPTER, Quakes))

QUAKEML = """<?xml version="1.0"?><q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2"
 xmlns="http://quakeml.org/xmlns/bed/1.2"><eventParameters publicID="p"><event publicID="smi:x/1">
 <preferredOriginID>o2</preferredOriginID><preferredMagnitudeID>m2</preferredMagnitudeID>
 <description><text>Chongqing</text></description>
 <origin publicID="o1"><time><value>2026-07-01T05:00:00</value></time><latitude><value>1</value></latitude>
 <longitude><value>1</value></longitude></origin>
 <origin publicID="o2"><time><value>2026-07-01T06:00:00.5</value></time><latitude><value>29.6</value></latitude>
 <longitude><value>106.5</value></longitude><depth><value>12500</value></depth>
 <evaluationMode>manual</evaluationMode>STATUS
 <creationInfo><creationTime>2026-07-01T06:10:00</creationTime></creationInfo></origin>
 <magnitude publicID="m1"><mag><value>1</value></mag></magnitude>
 <magnitude publicID="m2"><mag><value>5.1</value></mag></magnitude>
 <creationInfo><agencyID>CENC</agencyID><creationTime>2026-07-01T06:05:00Z</creationTime></creationInfo>
 </event></eventParameters></q:quakeml>"""

CENC: Mapping[str, object] = {
    "CATA_ID": "CC20260701140000.000",
    "O_TIME": "2026-07-01 14:00:00",
    "SAVE_TIME": "2026-07-01 14:08:30",
    "EPI_LAT": "29.60",
    "EPI_LON": "106.50",
    "EPI_DEPTH": 10,
    "M": "4.5",
    "LOCATION_C": "重庆渝北区",
}


def decode(data: bytes, **given: object) -> list[Claim]:
    config = EarthquakesConfig.model_validate({"url": "http://127.0.0.1/x", **given})
    adapter = ADAPTER.factory(Source(id="s"), config)
    assert isinstance(adapter, Earthquakes)
    return [
        record for record in adapter.decode(Raw(key="k", received_at=now(), data=data)) if isinstance(record, Claim)
    ]


def circle(claim: Claim) -> Circle:
    said = claim.values["areas"]
    assert isinstance(said, str)
    return loads(said).circles[0]


def test_a_feature_is_kept_as_it_was_told() -> None:
    (claim,) = decode(orjson.dumps(feature("us1", 4.5)))
    assert claim.values == told("us1", 4.5).values


def test_quakeml_gives_the_preferred_origin_and_magnitude_in_km_and_utc() -> None:
    (claim,) = decode(QUAKEML.replace("STATUS", "").encode())
    assert (claim.external_id, claim.values["magnitude"], claim.values["depth"]) == ("smi:x/1", 5.1, 12.5)
    assert claim.values["onset"] == datetime(2026, 7, 1, 6, 0, 0, 500_000, tzinfo=UTC)
    assert claim.values["sent"] == datetime(2026, 7, 1, 6, 10, tzinfo=UTC)
    assert circle(claim) == Circle(latitude=29.6, longitude=106.5, radius=0.0)
    assert claim.values["headline"] == "M 5.1 - Chongqing" and claim.values["sender"] == "CENC"


def test_what_its_issuer_took_back_has_ended() -> None:
    rejected = QUAKEML.replace("STATUS", "<evaluationStatus>rejected</evaluationStatus>").encode()
    for data in (rejected, orjson.dumps(feature("us1", 4.5, status="deleted"))):
        (claim,) = decode(data)
        assert claim.values["message_type"] == "CANCEL" and claim.values["ended_at"] == claim.values["sent"]


def test_cencs_times_are_beijings_and_its_numbers_text() -> None:
    (claim,) = decode(b"jQuery1(" + orjson.dumps({"shuju": [CENC], "num": 1}) + b")")
    assert claim.values["onset"] == datetime(2026, 7, 1, 6, tzinfo=UTC)
    assert (claim.values["magnitude"], claim.values["depth"]) == (4.5, 10.0)
    assert claim.values["headline"] == "重庆渝北区发生4.5级地震"


@pytest.mark.parametrize(("magnitude", "km"), [(3.9, 0), (4.0, 30), (5.9, 30), (6.5, 200)])
def test_how_far_it_reaches_is_the_parks_to_say(magnitude: float, km: float) -> None:
    reach = [{"magnitude": 4, "km": 30}, {"magnitude": 6, "km": 200}]
    (claim,) = decode(orjson.dumps(feature("us1", magnitude)), reach=reach)
    assert circle(claim).radius == km


def test_small_and_far_ones_are_left_out_and_unknown_ones_stay() -> None:
    near = {"latitude": 29.56, "longitude": 106.55, "km": 50}
    many = [
        feature("near", 4.5),
        feature("small", 1.0),
        {**feature("far", 5.0), "geometry": {"coordinates": [0, 0, 1]}},
    ]
    many += [{**feature("nowhere", 5.0), "geometry": None}, feature("unsized", 0.0, mag=None)]
    found = decode(orjson.dumps({"type": "FeatureCollection", "features": many}), near=near, min_magnitude=3.0)
    assert [claim.external_id for claim in found] == ["near", "nowhere", "unsized"]
    flags = [claim.values.get("flags") for claim in found]
    assert flags[0] is None and flags[1] == ("depth_missing", "area_missing") and flags[2] == ("magnitude_missing",)


@pytest.mark.parametrize(
    "data",
    [
        b'{"features": [{"id": "urn:x", "properties": {"event": "Storm"}, "geometry": {"coordinates": [[1, 2]]}}]}',
        b"",
        b"<html/>",
        b"<quakeml><event/></quakeml>",
        b'{"a": 1}',
        b'{"features": [{}]}',
        b'{"features": [1]}',
        b"[3]",
    ],
)
def test_what_is_no_earthquake_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable) as unreadable:
        decode(data)
    assert unreadable.value.reason
