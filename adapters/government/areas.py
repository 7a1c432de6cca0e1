"""Where a warning holds: polygons, circles and geocodes, as `Warning.areas` keeps them in JSON; WGS-84, degrees."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

Point = tuple[float, float]
"""Latitude and longitude, in CAP's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    latitude: float
    longitude: float
    radius: float  # km; 0: a point


@dataclass(frozen=True, slots=True, kw_only=True)
class Geocode:
    """A code of an area. `scheme` is the issuer's own name for its table (`FIPS6`, `UGC`), or `GB/T 2260`."""

    scheme: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Areas:
    """All of it counts: a place is meant if any polygon, circle or geocode holds it. Rings are closed."""

    polygons: tuple[tuple[Point, ...], ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[Geocode, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.polygons or self.circles or self.geocodes)

    def dumps(self) -> str:
        document = {
            "polygons": self.polygons,
            "circles": [(circle.latitude, circle.longitude, circle.radius) for circle in self.circles],
            "geocodes": [{"scheme": code.scheme, "value": code.value} for code in self.geocodes],
        }
        return orjson.dumps(document).decode()


def loads(text: str) -> Areas:
    """What `Areas.dumps` wrote; raises ValueError for what it did not."""
    try:
        document: Any = orjson.loads(text)
        return Areas(
            polygons=tuple(tuple((float(p[0]), float(p[1])) for p in ring) for ring in document["polygons"]),
            circles=tuple(
                Circle(latitude=float(c[0]), longitude=float(c[1]), radius=float(c[2])) for c in document["circles"]
            ),
            geocodes=tuple(Geocode(scheme=str(g["scheme"]), value=str(g["value"])) for g in document["geocodes"]),
        )
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ValueError(f"not the JSON of a warning's areas: {text[:80]!r}") from error


def ring(points: Iterable[Point], flags: list[str]) -> tuple[Point, ...] | None:
    """A closed ring of places on Earth; what had to be mended is told in `flags`. None where there is none in it."""
    given = tuple(points)
    if any(abs(latitude) > 90 for latitude, _ in given) and all(abs(longitude) <= 90 for _, longitude in given):
        flags.append("polygon_swapped")  # longitude first, as in GeoJSON
        given = tuple((latitude, longitude) for longitude, latitude in given)
    if len(set(given)) < 3 or not all(map(on_earth, given)):
        return None
    if given[0] != given[-1]:
        flags.append("polygon_not_closed")
        given = (*given, given[0])
    return given


def on_earth(point: Point) -> bool:
    """Up to 360° east is borne with; NaN is not."""
    return abs(point[0]) <= 90 and abs(point[1]) <= 360


def polygon(text: str, flags: list[str]) -> tuple[Point, ...] | None:
    """CAP's `lat,lon lat,lon …`, and what is written instead of it."""
    pairs = text.split()
    try:
        if text.count(",") != len(pairs):
            raise ValueError("not one comma a pair")
        numbers = [float(part) for pair in pairs for part in pair.split(",")]
    except ValueError:
        flags.append("polygon_mended")
        try:
            numbers = [float(part) for part in text.replace(",", " ").replace(";", " ").split()]
        except ValueError:
            numbers = []
    if not numbers or len(numbers) % 2:
        return None
    return ring(zip(numbers[::2], numbers[1::2], strict=True), flags)


def circle(text: str) -> Circle | None:
    """CAP's `lat,lon radius`, the radius in km."""
    try:
        numbers = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        return None
    if len(numbers) != 3 or not on_earth((numbers[0], numbers[1])) or not 0 <= numbers[2] < math.inf:
        return None
    return Circle(latitude=numbers[0], longitude=numbers[1], radius=numbers[2])


def geojson(geometry: object, flags: list[str]) -> tuple[tuple[tuple[Point, ...], ...], tuple[Circle, ...]]:
    """The outer rings of a GeoJSON geometry, and its points as circles without a radius. Holes are left out: a warning
    that is too wide is the lesser harm."""
    rings: list[tuple[Point, ...]] = []
    points: list[Circle] = []
    for kind, coordinates in _parts(geometry, depth=0):
        try:
            if kind == "Point":
                longitude, latitude = (float(number) for number in coordinates[:2])
                if on_earth((latitude, longitude)):
                    points.append(Circle(latitude=latitude, longitude=longitude, radius=0.0))
                    continue
            for outer in [coordinates[0]] if kind == "Polygon" else [each[0] for each in coordinates]:
                found = ring(((float(point[1]), float(point[0])) for point in outer), flags)
                if found is None:
                    flags.append("polygon_unreadable")
                else:
                    rings.append(found)
        except (TypeError, ValueError, IndexError, KeyError):
            flags.append("geometry_unreadable")
    return tuple(rings), tuple(points)


def _parts(geometry: object, *, depth: int) -> Sequence[tuple[str, Any]]:
    if not isinstance(geometry, dict) or depth > 3:
        return ()
    kind = geometry.get("type")
    if kind == "GeometryCollection" and isinstance(geometry.get("geometries"), list):
        return [part for each in geometry["geometries"] for part in _parts(each, depth=depth + 1)]
    return [(str(kind), geometry.get("coordinates"))]
