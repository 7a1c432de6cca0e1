"""GeoJSON (RFC 7946) as rows: each feature's properties as cells, its geometry checked and told in WGS-84.

Runs in the child process that reads files. A polygon that crosses itself is refused with where it does.
"""

import codecs
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import ijson
import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from adapters.contract import Position
from hub.coordinates import CoordinateSystem, to_wgs84
from hub.ingest.imports.geometry import metres_between
from hub.ingest.imports.limits import Limits
from hub.ingest.imports.reading import Refused, Row

_WHERE = re.compile(r"(.*?)\[(\S+) (\S+)\]")
_GEOMETRY = ("boundary", "latitude", "longitude", "length")
_POINTS = 100_000  # of one feature
_WGS84_NAMES = ("CRS84", "4326")


class _BadFeature(ValueError):
    pass


def features(file: Path, limits: Limits) -> Iterator[Row]:
    """The header, then a row a feature; features are numbered from 1. Raises Refused. The file is gone through twice,
    a feature in memory at a time."""
    if not limits.shapes:
        raise Refused("this kind of table is no map: give it as CSV or Excel")
    names: dict[str, None] = {}
    count = 0
    for count, feature in enumerate(_features(file), start=1):
        names.update(dict.fromkeys(_properties(feature)))
        if count > limits.rows:
            raise Refused(f"the file has more than {limits.rows:,} features; part it into several")
        if len(names) > limits.columns:
            break  # `read` refuses it by its header
    _judge(file, count)
    header = [*names, *(name for name in _GEOMETRY if name not in names)]
    yield Row(0, header)
    system = CoordinateSystem(limits.coordinates)
    for number, feature in enumerate(_features(file), start=1):
        try:
            cells = dict(_properties(feature))
            shape = dict(_geometry(feature, limits, system))
            length = cells.get("length") or shape.get("length", "")
            cells |= dict.fromkeys(_GEOMETRY, "") | shape | {"length": length}  # where it is, its geometry alone says
            yield Row(number, [cells.get(name, "") for name in header])
        except _BadFeature as bad:
            yield Row(number, [], str(bad))
        except RecursionError:
            yield Row(number, [], "the feature is nested too deeply; simplify it")


def _features(file: Path) -> Iterator[Any]:
    return _values(file, "features.item")


def _values(file: Path, path: str) -> Iterator[Any]:
    """What stands at a path of the JSON, one after the other. Raises Refused."""
    with file.open("rb") as stream:
        if stream.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            stream.seek(0)
        try:
            yield from ijson.items(stream, path, use_float=True)
        except (ijson.JSONError, UnicodeError, ValueError, OverflowError) as error:
            raise Refused(f"the file begins like JSON and is none: {error}") from error


def _judge(file: Path, count: int) -> None:
    """Raises Refused for what is no collection of features in WGS-84."""
    if next(_values(file, "type"), None) != "FeatureCollection":
        raise Refused("the file is JSON, but no GeoJSON FeatureCollection; export it as one")
    crs = next(_values(file, "crs"), None)
    if crs is not None and not any(name in str(crs) for name in _WGS84_NAMES):
        raise Refused(f"the file's crs is {str(crs)[:100]}; export it in WGS-84 (EPSG:4326)")
    if not count:
        raise Refused("the FeatureCollection has no list of features, or an empty one")


def _properties(feature: object) -> Mapping[str, str]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict):
        return {}
    return {name: _text(value) for name, value in properties.items()}


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case list():
            return ";".join(_text(each) for each in value)
        case _:
            return str(value)


def _geometry(feature: object, limits: Limits, system: CoordinateSystem) -> Mapping[str, str]:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if geometry is None:
        return {}
    if not isinstance(geometry, dict) or geometry.get("type") not in limits.shapes:
        kind = geometry.get("type") if isinstance(geometry, dict) else geometry
        raise _BadFeature(f"the geometry is a {str(kind)[:40]!r}; this table takes {' or '.join(limits.shapes)}")
    coordinates = _converted(geometry.get("coordinates"), system, [_POINTS])
    shape = _shape(geometry["type"], coordinates)
    if geometry["type"] == "LineString":
        return {"length": f"{_length(coordinates):.1f}"}
    point = shape if geometry["type"] == "Point" else shape.representative_point()
    cells = {"latitude": f"{point.y:.8f}", "longitude": f"{point.x:.8f}"}
    if geometry["type"] != "Point":
        cells["boundary"] = orjson.dumps({"type": geometry["type"], "coordinates": coordinates}).decode()
    return cells


def _converted(given: object, system: CoordinateSystem, left: list[int]) -> Any:
    """The same nest of lists, in WGS-84, without heights; `left`: how many points may still come."""
    if not isinstance(given, list) or not given:
        raise _BadFeature("the geometry's coordinates are empty, or no lists of numbers")
    if isinstance(given[0], list):
        return [_converted(each, system, left) for each in given]
    left[0] -= 1
    if left[0] < 0:
        raise _BadFeature(f"the geometry has more than {_POINTS:,} points; simplify it")
    numbers = [each for each in given if isinstance(each, int | float) and not isinstance(each, bool)]
    if len(numbers) != len(given) or len(given) < 2 or not all(math.isfinite(each) for each in numbers):
        raise _BadFeature(f"the geometry has a position {str(given)[:60]} that is not [longitude, latitude]")
    try:
        latitude, longitude = to_wgs84(float(given[1]), float(given[0]), system)
    except (ValueError, OverflowError) as error:
        raise _BadFeature(f"{error} GeoJSON puts longitude first") from error
    return [round(longitude, 8), round(latitude, 8)]


def _shape(kind: str, coordinates: Any) -> BaseGeometry:
    try:
        shape = shapely.from_geojson(orjson.dumps({"type": kind, "coordinates": coordinates}))
    except (shapely.errors.ShapelyError, ValueError, TypeError) as error:
        raise _BadFeature(f"the geometry is no {kind}: {str(error)[:200]}") from error
    if shape.is_empty:
        raise _BadFeature("the geometry is empty")
    if kind in ("Polygon", "MultiPolygon") and not shape.is_valid:
        raise _BadFeature(_why_invalid(shape))
    if kind == "LineString" and shape.length == 0:
        raise _BadFeature("the line has no length")
    return shape


def _why_invalid(shape: BaseGeometry) -> str:
    said = shapely.is_valid_reason(shape)
    found = _WHERE.fullmatch(said)
    if found is None:
        return f"the boundary is no area: {said}"
    what, longitude, latitude = found[1], float(found[2]), float(found[3])
    name = "crosses itself" if "Self-intersection" in what else f"is no area ({what})"
    return f"the boundary {name} at longitude {longitude:.6f}, latitude {latitude:.6f}; draw it anew there"


def _length(line: Sequence[Sequence[float]]) -> float:
    points = [Position(latitude=latitude, longitude=longitude) for longitude, latitude in line]
    return sum(metres_between(one, other) for one, other in pairwise(points))
