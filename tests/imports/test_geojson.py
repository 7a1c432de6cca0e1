"""A park's plan as GeoJSON: places by their outlines, routes by their lines."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Position
from hub.coordinates import CoordinateSystem, wgs84_to_gcj02
from hub.errors import BadRequest
from hub.ingest.imports.geometry import metres_between
from tests.imports.entering import Park, in_park, names

LAT, LON = 29.5630, 106.5516


def square(east: float = 0.0, north: float = 0.0, side: float = 0.0005) -> list[list[list[float]]]:
    """Degrees from the park's corner."""
    x, y = LON + east, LAT + north
    right, top = round(x + side, 8), round(y + side, 8)
    return [[[x, y], [right, y], [right, top], [x, top], [x, y]]]


def feature(shape: str, coordinates: object, /, **properties: object) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": {"type": shape, "coordinates": coordinates}}


def plan(*features: Mapping[str, Any]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


PARK = plan(
    feature("Polygon", square(side=0.004), code="P", kind="PARK", name="示范园区", fid=1, style={"fill": "red"}),
    feature("Polygon", square(), code="B1", kind="BUILDING", part_of="P", adjacent_to=["B2"]),
    feature("MultiPolygon", [square(0.001), square(0.002)], code="B2", kind="楼栋", part_of="P"),
    feature("Point", [LON + 0.0001, LAT + 0.0001], code="B1-1F", kind="STOREY", part_of="B1", level=1),
    {"type": "Feature", "properties": {"code": "B1-1F-A", "kind": "ZONE", "part_of": "B1-1F"}, "geometry": None},
)
ROUTES = plan(
    feature("LineString", [[LON, LAT], [LON, LAT + 0.001]], code="R1", **{"from": "B1", "to": "B2"}, drivable=True),
    feature("LineString", [[LON, LAT], [LON, LAT + 0.001]], code="R2", **{"from": "B1", "to": "B1-1F"}, length=12),
)


def test_a_park_with_its_routes_comes_in(tmp_path: Path) -> None:
    async def run(park: Park) -> None:
        assert names(await park.enter("places", PARK))[0] == ["P", "B1", "B2", "B1-1F", "B1-1F-A"]
        assert names(await park.look("places", PARK))[2] == ["P", "B1", "B2", "B1-1F", "B1-1F-A"]
        claims = await park.claims("Place")
        boundary = json.loads(str(claims["B1"].values["boundary"]))
        assert boundary == {"type": "Polygon", "coordinates": json.loads(json.dumps(square()))}
        position = claims["B1"].position
        assert position is not None and LAT < position.latitude < LAT + 0.0005
        assert claims["B1-1F"].values["level"] == 1 and "boundary" not in claims["B1-1F"].values
        assert {link.target for link in claims["B1"].links} == {"P", "B2"}
        await park.enter("routes", ROUTES)
        routes = await park.claims("Route")
        assert routes["route:R1"].values["length"] == pytest.approx(110.84, abs=0.1)
        assert routes["route:R1"].values["drivable"] is True
        assert routes["route:R2"].values["length"] == 12
        assert {link.target for link in routes["route:R1"].links} == {"B1", "B2"}

    in_park(tmp_path, run)


CROSSED = [[[LON, LAT], [LON + 0.001, LAT + 0.001], [LON + 0.001, LAT], [LON, LAT + 0.001], [LON, LAT]]]


@pytest.mark.parametrize(
    ("kind", "coordinates", "said"),
    [
        ("Polygon", CROSSED, "crosses itself at longitude 106.552100, latitude 29.563500"),
        ("Polygon", [[[LAT, LON], [LAT, LON + 1], [LAT + 1, LON], [LAT, LON]]], "swapped"),
        ("Polygon", [[[-0.1, 51.5], [-0.2, 51.5], [-0.2, 51.6], [-0.1, 51.5]]], "km from the park's other places"),
        ("Polygon", [[[LON, LAT], [LON + 1, LAT]]], "is no Polygon"),
        ("Polygon", [], "empty"),
        ("Polygon", [[[LON, "x"]]], "not [longitude, latitude]"),
        ("Polygon", [[[LON, None]]], "not [longitude, latitude]"),
        ("LineString", [[LON, LAT], [LON, LAT + 1]], "'LineString'"),
        ("Point", [LON], "not [longitude, latitude]"),
        ("Point", None, "empty"),
    ],
)
def test_a_shape_that_cannot_be_says_why_and_the_others_are_taken(
    kind: str, coordinates: object, said: str, tmp_path: Path
) -> None:
    file = json.loads(PARK)
    file["features"].append(feature(kind, coordinates, code="B9", kind="BUILDING"))
    shown = in_park(tmp_path, lambda park: park.look("places", json.dumps(file)))
    assert (len(shown.new), [row.number for row in shown.rejected]) == (5, [6])
    assert said in shown.rejected[0].reason


def test_swapped_coordinates_that_are_a_place_on_earth_are_told_as_swapped(tmp_path: Path) -> None:
    """In the west of China both numbers may be a latitude."""

    async def run(park: Park) -> str:
        await park.enter("places", "code,kind,latitude,longitude\nP,PARK,39.47,75.99\n")
        return (await park.look("places", "code,kind,latitude,longitude\nB1,BUILDING,75.99,39.47\n")).rejected[0].reason

    assert "latitude and longitude are swapped" in in_park(tmp_path, run)


def test_gcj02_is_converted_once(tmp_path: Path) -> None:
    shifted = wgs84_to_gcj02(LAT, LON)

    async def run(park: Park) -> None:
        park.coordinates = CoordinateSystem.GCJ02
        point = feature("Point", [shifted[1], shifted[0]], code="P", kind="PARK")
        for shown in (
            await park.look("places", plan(point)),
            await park.look("places", f"code,kind,latitude,longitude\nP,PARK,{shifted[0]},{shifted[1]}\n"),
        ):
            position = shown.new[0].claim.position
            assert position is not None
            assert metres_between(position, Position(latitude=LAT, longitude=LON)) < 0.1

    in_park(tmp_path, run)


@pytest.mark.parametrize(
    ("kind", "file", "said"),
    [
        ("places", '{"type": "Feature"}', "no GeoJSON FeatureCollection"),
        ("places", '{"type": "FeatureCollection"}', "no list of features"),
        ("places", '{"type": "FeatureCollection", "features": [', "begins like JSON"),
        ("places", '{"type": "FeatureCollection", "features": [], "crs": "urn:ogc:def:crs:EPSG::4490"}', "WGS-84"),
        ("places", plan(feature("Point", [LON, LAT], code="P")), "the header lacks kind"),
        ("roster", PARK, "no map"),
    ],
)
def test_a_file_that_is_no_plan_is_refused_with_what_to_do(kind: str, file: str, said: str, tmp_path: Path) -> None:
    async def run(park: Park) -> None:
        with pytest.raises(BadRequest, match=said):
            await park.look(kind, file)

    in_park(tmp_path, run)
