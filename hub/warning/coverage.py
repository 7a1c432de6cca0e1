"""Which places of the park an official warning covers: the topmost ones, so that one storm over the whole park is one
alert and not one for each room.

The park itself is covered when the area holds all of it; any other place when the area touches it. Geocodes cover the
whole park: a code of GB/T 2260 holds every code that begins like it once its trailing pairs of noughts are dropped
(500000 is Chongqing, 500112 a district in it), as the standard numbers provinces, prefectures and counties by two
digits each; any other code must be one of the park's own, letter by letter.

A warning that gives no area, or none that can be read, has no `Area`: what then holds is for its caller to say. A code
that the park does not have is an area all the same, and lies elsewhere.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points

from adapters.government import areas
from graph_models.entities import PlaceKind
from hub.topology import Topology

_EARTH_KM = 6371.0088
_CODE = re.compile(r"\d{6,12}")


@dataclass(frozen=True, slots=True)
class Area:
    """Shapes have longitude first, degrees."""

    polygons: BaseGeometry | None
    circles: tuple[areas.Circle, ...]
    codes: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Area | None":
        """None where there is neither polygon nor circle nor code. Raises ValueError for what is not the JSON of
        areas."""
        if not text or not (read := areas.loads(text)):
            return None
        rings = [_polygon(ring) for ring in read.polygons]
        return cls(
            shapely.union_all(rings) if rings else None, read.circles, tuple(code.value for code in read.geocodes)
        )

    def touches(self, shape: BaseGeometry) -> bool:
        if self.polygons is not None and self.polygons.intersects(shape):
            return True
        return any(_nearest_km(shape, circle) <= circle.radius for circle in self.circles)

    def holds(self, shape: BaseGeometry) -> bool:
        if self.polygons is not None and self.polygons.covers(shape):
            return True
        return any(_furthest_km(shape, circle) <= circle.radius for circle in self.circles)

    def names(self, geocodes: Iterable[str]) -> bool:
        """Whether one of its codes holds one of the park's."""
        return any(_holds(code, own) for code in self.codes for own in geocodes)


def covered(topology: Topology, area: Area, geocodes: Sequence[str]) -> tuple[str, ...]:
    """The topmost places that the area covers, in the order of their ids."""
    if area.names(geocodes):
        return whole(topology)
    return tuple(sorted(_topmost(topology, area, _roots(topology))))


def whole(topology: Topology) -> tuple[str, ...]:
    """The places that make up the park, in the order of their ids."""
    return tuple(sorted(_roots(topology)))


def _roots(topology: Topology) -> list[str]:
    """The places that are part of none; of places that are part of each other, one."""
    places = topology.places()
    roots = [place for place in places if topology.parent(place) is None]
    held = frozenset(part for root in roots for part in topology.within(root))
    for place in sorted(places - held):
        if place not in held:
            roots.append(place)
            held |= topology.within(place)
    return roots


def _topmost(topology: Topology, area: Area, roots: Iterable[str]) -> Iterator[str]:
    waiting, seen = list(roots), set(roots)
    while waiting:
        place = waiting.pop()
        shape = shape_of(topology, place)
        is_park = topology.kind(place) == PlaceKind.PARK
        if _holds_park(topology, area, place) if is_park else shape is not None and area.touches(shape):
            yield place
        elif is_park or topology.boundary(place) is None or shape is None:  # else no part of it can be touched
            parts = topology.parts(place) - seen
            seen |= parts
            waiting += parts


def _holds_park(topology: Topology, area: Area, park: str) -> bool:
    """By its boundary; by what is in it where nobody drew one, and by its position where nothing in it is located."""
    shape = shape_of(topology, park)
    if shape is not None and topology.boundary(park) is not None:
        return area.holds(shape)
    shapes = list(_located(topology, park))
    if shapes:
        return all(map(area.holds, shapes))
    return shape is not None and area.holds(shape)


def _located(topology: Topology, place: str) -> Iterator[BaseGeometry]:
    """The shapes of the topmost places in it that have one."""
    waiting, seen = list(topology.parts(place)), {place}
    while waiting:
        part = waiting.pop()
        if part in seen:
            continue
        seen.add(part)
        shape = shape_of(topology, part)
        if shape is not None:
            yield shape
        else:
            waiting += topology.parts(part)


def shape_of(topology: Topology, place: str) -> BaseGeometry | None:
    """Its boundary, mended where it crosses itself; else its position; None where neither can be read."""
    boundary = topology.boundary(place)
    if boundary is not None:
        shape = _read(boundary)
        if shape is not None:
            return shape
    position = topology.position(place)
    return None if position is None else shapely.Point(position[1], position[0])


def _read(boundary: str) -> BaseGeometry | None:
    try:
        shape = shapely.from_geojson(boundary)
    except (shapely.errors.ShapelyError, json.JSONDecodeError):
        return None
    if shape is None or shape.is_empty:
        return None
    return shape if shape.is_valid else shapely.make_valid(shape)


def _polygon(ring: Sequence[areas.Point]) -> BaseGeometry:
    west = 360.0 if any(longitude > 180 for _, longitude in ring) else 0.0
    shape = shapely.Polygon([(longitude - west, latitude) for latitude, longitude in ring])
    return shape if shape.is_valid else shapely.make_valid(shape)


def _nearest_km(shape: BaseGeometry, circle: areas.Circle) -> float:
    flat = _flattened(shape, circle)
    (x, y) = nearest_points(shapely.Point(0.0, 0.0), flat)[1].coords[0]
    return 0.0 if (x, y) == (0.0, 0.0) else _km(circle, circle.latitude + y, circle.longitude + x / _squeeze(circle))


def _furthest_km(shape: BaseGeometry, circle: areas.Circle) -> float:
    return max(_km(circle, latitude, longitude) for longitude, latitude in shapely.get_coordinates(shape).tolist())


def _flattened(shape: BaseGeometry, circle: areas.Circle) -> BaseGeometry:
    """With the circle's centre at nought, and as many kilometres to a unit eastward as northward."""
    squeeze = _squeeze(circle)
    return shapely.transform(shape, lambda c: (c - [circle.longitude, circle.latitude]) * [squeeze, 1.0])


def _squeeze(circle: areas.Circle) -> float:
    return max(math.cos(math.radians(circle.latitude)), 1e-6)


def _km(circle: areas.Circle, latitude: float, longitude: float) -> float:
    north, south = math.radians(latitude), math.radians(circle.latitude)
    half = math.sin((north - south) / 2) ** 2
    half += math.cos(north) * math.cos(south) * math.sin(math.radians(longitude - circle.longitude) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(min(1.0, half)))


def _holds(code: str, own: str) -> bool:
    if not (_CODE.fullmatch(code) and _CODE.fullmatch(own)):
        return code == own
    while code.endswith("00") and len(code) % 2 == 0:
        code = code[:-2]
    return own.startswith(code)
