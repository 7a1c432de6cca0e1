"""Which places an official warning covers: by hand where it matters, against another reckoning where it is many."""

import json
import math
from collections.abc import Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adapters.contract import Value
from adapters.government.areas import Areas, Circle, Geocode
from hub.topology import Topology
from hub.warning.coverage import Area, covered
from tests.warning.script import Script


def park(places: Sequence[tuple[str, str, str | None, object]]) -> Topology:
    """(id, kind, part of, a square (west, south, side) or a point (east, north) or None)."""
    log = Script()
    for id_, kind, parent, where in places:
        values: dict[str, Value] = {"kind": kind}
        if isinstance(where, tuple) and len(where) == 3:
            values["boundary"] = json.dumps({"type": "Polygon", "coordinates": [square(*where)]})
        elif isinstance(where, tuple):
            values |= {"longitude": where[0], "latitude": where[1]}
        elif isinstance(where, str):
            values["boundary"] = where
        log.place(id_, parent, **values)
    topology = Topology({})
    for entry in log.entries:
        topology.apply(entry)
    return topology


def square(west: float, south: float, side: float) -> list[list[float]]:
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    return [[west + side * x, south + side * y] for x, y in corners]


def polygon(west: float, south: float, side: float) -> Areas:
    ring = tuple((latitude, longitude) for longitude, latitude in square(west, south, side))
    return Areas(polygons=(ring,))


def found(topology: Topology, areas: Areas, *geocodes: str) -> tuple[str, ...]:
    area = Area.of(areas.dumps())
    assert area is not None
    return covered(topology, area, geocodes)


TWO = park(
    [
        ("park", "PARK", None, (106.0, 29.0, 1.0)),
        ("b1", "BUILDING", "park", (106.1, 29.1, 0.1)),
        ("b1 room", "ZONE", "b1", (106.1, 29.1, 0.02)),
        ("b2", "BUILDING", "park", (106.7, 29.7, 0.1)),
        ("yard", "ZONE", "park", None),
        ("yard gate", "ZONE", "yard", (106.5, 29.5)),
    ]
)


@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        (polygon(105.9, 28.9, 1.2), ("park",)),  # holds it whole: one alert, not one for each room
        (polygon(105.9, 28.9, 0.4), ("b1",)),  # touches b1 with its room
        (polygon(106.19, 29.19, 0.55), ("b1", "b2", "yard gate")),
        (polygon(106.3, 29.3, 0.05), ()),  # in the park, but at no place of it
        (polygon(100.0, 20.0, 1.0), ()),
        (Areas(circles=(Circle(latitude=29.5, longitude=106.5, radius=0.0),)), ("yard gate",)),
        (Areas(circles=(Circle(latitude=29.5, longitude=106.5, radius=300.0),)), ("park",)),
        (Areas(circles=(Circle(latitude=29.15, longitude=106.15, radius=20.0),)), ("b1",)),
    ],
)
def test_the_topmost_places_that_are_touched(areas: Areas, expected: tuple[str, ...]) -> None:
    assert found(TWO, areas) == expected


@pytest.mark.parametrize(
    ("code", "own", "expected"),
    [
        ("500000", "500112", True),  # Chongqing holds its district
        ("500112", "500112", True),
        ("500100", "500112", True),
        ("500113", "500112", False),
        ("510000", "500112", False),
        ("500112", "500000", False),  # a warning for a district is not one for all that lie in the province
        ("500112000000", "500112", True),  # twelve digits, of statistics
        ("000000", "500112", True),  # the whole country
        ("FR433", "FR433", True),
        ("FR433", "FR43", False),
    ],
)
def test_a_division_covers_the_park_by_its_code(code: str, own: str, expected: bool) -> None:
    areas = Areas(geocodes=(Geocode(scheme="GB/T 2260", value=code),))
    assert found(TWO, areas, own) == (("park",) if expected else ())


def test_a_park_without_a_boundary_is_covered_when_all_that_is_in_it_is() -> None:
    topology = park(
        [
            ("park", "PARK", None, (106.5, 29.5)),
            ("b1", "BUILDING", "park", (106.1, 29.1, 0.1)),
            ("b2", "BUILDING", "park", (106.7, 29.7, 0.1)),
        ]
    )
    assert found(topology, polygon(106.0, 29.0, 1.0)) == ("park",)
    assert found(topology, polygon(106.0, 29.0, 0.6)) == ("b1",)


def test_what_cannot_be_read_or_crosses_itself_is_borne_with() -> None:
    bow = json.dumps({"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]})
    topology = park([("bow", "BUILDING", None, bow), ("broken", "BUILDING", None, "{not json")])
    assert found(topology, polygon(-1, -1, 1.5)) == ("bow",)
    crossed = Areas(polygons=(((0.0, 0.0), (2.0, 2.0), (0.0, 2.0), (2.0, 0.0), (0.0, 0.0)),))
    assert found(topology, crossed) == ("bow",)
    with pytest.raises(ValueError, match="areas"):
        Area.of('{"polygons": 1}')


def test_places_that_are_part_of_each_other_are_still_warned() -> None:
    topology = park([("a", "ZONE", "b", (1.0, 1.0)), ("b", "ZONE", "a", None)])
    assert found(topology, polygon(0, 0, 2)) == ("a",)


IDS = [f"p{n}" for n in range(7)]
squares = st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 8))
points = st.tuples(st.integers(0, 20), st.integers(0, 20))


@settings(max_examples=300, deadline=None)
@given(
    st.tuples(*(st.none() | st.integers(0, n - 1) for n in range(1, len(IDS)))),
    st.tuples(*(st.one_of(st.none(), squares, points) for _ in IDS)),
    st.lists(squares, min_size=1, max_size=3),
)
def test_equal_to_a_reckoning_by_corners(
    parents: tuple[int | None, ...], wheres: tuple[object, ...], areas: list[tuple[int, int, int]]
) -> None:
    """Squares on a grid, moved by a quarter so that no two only touch: intervals tell the rest."""
    places = [
        (
            id_,
            "PARK" if number == 0 else "ZONE",
            None if number == 0 or parents[number - 1] is None else IDS[parents[number - 1] or 0],
            wheres[number],
        )
        for number, id_ in enumerate(IDS)
    ]
    topology = park(places)
    shifted = [(west + 0.25, south + 0.25, side + 0.5) for west, south, side in areas]
    given_areas = Areas(polygons=tuple(ring for area in shifted for ring in polygon(*area).polygons))

    def box(where: object) -> tuple[float, float, float] | None:
        if not isinstance(where, tuple):
            return None
        return where if len(where) == 3 else (where[0], where[1], 0)

    def touched(one: tuple[float, float, float]) -> bool:
        return any(
            all(one[axis] <= area[axis] + area[2] and area[axis] <= one[axis] + one[2] for axis in (0, 1))
            for area in shifted
        )

    def held(one: tuple[float, float, float]) -> bool:
        """Every cell of the grid that it has is in some area."""
        return all(
            any(area[0] <= x <= area[0] + area[2] and area[1] <= y <= area[1] + area[2] for area in shifted)
            for x in samples(one[0], one[2])
            for y in samples(one[1], one[2])
        )

    def samples(start: float, side: float) -> list[float]:
        edges = {start, start + side}
        for area in shifted:
            for edge in (*area[:2], area[0] + area[2], area[1] + area[2]):
                edges |= {e for e in (edge - 1e-4, edge + 1e-4) if start <= e <= start + side}
        return sorted(edges)

    children: dict[str | None, list[int]] = {}
    for number, (_, _, parent, _) in enumerate(places):
        children.setdefault(parent, []).append(number)

    def below(number: int) -> list[tuple[float, float, float]]:
        """The boxes of the topmost located places in it."""
        result = []
        for child in children.get(IDS[number], []):
            one = box(wheres[child])
            result += [one] if one is not None else below(child)
        return result

    def top(number: int) -> list[str]:
        one, where = box(wheres[number]), wheres[number]
        if number == 0:
            drawn = isinstance(where, tuple) and len(where) == 3
            parts = below(0)
            if one is not None and drawn:
                whole = held(one)
            elif parts:
                whole = all(map(held, parts))
            else:
                whole = one is not None and held(one)
            if whole:
                return [IDS[0]]
        else:
            if one is not None and touched(one):
                return [IDS[number]]
            if one is not None and isinstance(where, tuple) and len(where) == 3:
                return []
        return [id_ for child in children.get(IDS[number], []) for id_ in top(child)]

    expected = sorted(id_ for root in children[None] for id_ in top(root))
    assert list(found(topology, given_areas)) == expected


@settings(max_examples=200, deadline=None)
@given(st.floats(-60, 60), st.floats(-170, 170), st.floats(0.1, 300), st.floats(0, 2 * math.pi), st.floats(0.1, 2.0))
def test_a_circle_covers_what_is_nearer_than_its_radius(
    north: float, east: float, radius: float, bearing: float, share: float
) -> None:
    """A point at a known distance along a great circle, by the direct formula."""
    assume(abs(share - 1) > 0.01)
    angle = share * radius / 6371.0088
    latitude, longitude = math.radians(north), math.radians(east)
    to = math.asin(math.sin(latitude) * math.cos(angle) + math.cos(latitude) * math.sin(angle) * math.cos(bearing))
    over = longitude + math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(latitude), math.cos(angle) - math.sin(latitude) * math.sin(to)
    )
    topology = park([("b", "BUILDING", None, (math.degrees(over), math.degrees(to)))])
    areas = Areas(circles=(Circle(latitude=north, longitude=east, radius=radius),))
    assert found(topology, areas) == (("b",) if share < 1 else ())
