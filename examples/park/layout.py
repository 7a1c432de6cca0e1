"""The demo's ground plan, the same at every run: 60 buildings of three storeys, their zones, roads and stairs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

LATITUDE, LONGITUDE = 29.5630, 106.5516  # Chongqing, WGS-84: the park's south-western corner
METRES_NORTH, METRES_EAST = 110_850.0, 96_900.0  # of one degree there
ROWS, COLUMNS = 6, 10
EAST_STEP, NORTH_STEP = 120.0, 90.0  # metres from one building's corner to the next one's
WIDTH, DEPTH = 80.0, 45.0  # metres, of a building
STOREYS = 3
ZONES = "ABCD"
USES = (
    "五金交易楼 Hardware hall",
    "汽配仓库 Car parts store",
    "摩配车间 Motorcycle workshop",
    "孵化楼 Incubator",
    "物流中心 Logistics centre",
    "综合办公楼 Offices",
)
GATES = (("GATE-S", "南门 South gate", 0.5, -0.6), ("GATE-N", "北门 North gate", 0.5, 6.3))
ASSEMBLY = (
    ("AP-1", "一号集合点 Assembly point 1", 0.15, -0.4),
    ("AP-2", "二号集合点 Assembly point 2", 0.85, -0.4),
    ("AP-3", "三号集合点 Assembly point 3", 0.15, 6.1),
    ("AP-4", "四号集合点 Assembly point 4", 0.85, 6.1),
)
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    code: str
    name: str
    row: int  # from the south
    column: int  # from the west


def buildings() -> Sequence[Building]:
    return [
        Building(
            code=f"B{number + 1}",
            name=f"{number + 1} 号{USES[number % len(USES)]}",
            row=number // COLUMNS,
            column=number % COLUMNS,
        )
        for number in range(ROWS * COLUMNS)
    ]


def zones() -> Sequence[str]:
    return [f"{b.code}-{storey}F-{zone}" for b in buildings() for storey in range(1, STOREYS + 1) for zone in ZONES]


def at(east: float, north: float) -> tuple[float, float]:
    """(latitude, longitude) of a point so many metres from the park's corner."""
    return round(LATITUDE + north / METRES_NORTH, 7), round(LONGITUDE + east / METRES_EAST, 7)


def outline(west: float, south: float, width: float, depth: float) -> Mapping[str, object]:
    """A GeoJSON Polygon."""
    corners = ((0.0, 0.0), (width, 0.0), (width, depth), (0.0, depth), (0.0, 0.0))
    ring = [at(west + east, south + north)[::-1] for east, north in corners]
    return {"type": "Polygon", "coordinates": [ring]}


def places() -> Iterator[tuple[Row, Mapping[str, object] | None]]:
    """Each place's properties, and its outline where it has one of its own."""
    yield (
        {"code": "P", "kind": "PARK", "name": "示范园区 Demo park"},
        outline(-40, -80, EAST_STEP * COLUMNS + 80, NORTH_STEP * ROWS + 160),
    )
    for building in buildings():
        beside = [f"B{building.row * COLUMNS + building.column + 2}"] if building.column + 1 < COLUMNS else []
        above = [f"B{(building.row + 1) * COLUMNS + building.column + 1}"] if building.row + 1 < ROWS else []
        west, south = building.column * EAST_STEP, building.row * NORTH_STEP
        yield (
            {
                "code": building.code,
                "kind": "BUILDING",
                "name": building.name,
                "part_of": "P",
                "adjacent_to": ";".join(beside + above),
                "area": WIDTH * DEPTH * STOREYS,
                "capacity": 600,
            },
            outline(west, south, WIDTH, DEPTH),
        )
        for storey in range(1, STOREYS + 1):
            floor = f"{building.code}-{storey}F"
            yield (
                {
                    "code": floor,
                    "kind": "STOREY",
                    "name": f"{storey}F",
                    "part_of": building.code,
                    "level": storey,
                    "area": WIDTH * DEPTH,
                },
                None,
            )
            for number, zone in enumerate(ZONES):
                full = f"{floor}-{zone}"
                yield (
                    {"code": full, "kind": "ZONE", "name": f"{full} 区", "part_of": floor, "area": WIDTH * DEPTH / 4},
                    outline(west + number * WIDTH / 4, south, WIDTH / 4, DEPTH),
                )
    for code, name, across, up in (*GATES, *ASSEMBLY):
        properties = {"code": code, "kind": "ZONE", "name": name, "part_of": "P"}
        if code.startswith("AP"):
            properties |= {"assembly_point": "yes", "capacity": 2000}
        west, south = across * EAST_STEP * COLUMNS, up * NORTH_STEP
        yield properties, outline(west, south, 40, 20)


def routes() -> Iterator[Row]:
    """Roads between buildings and to the gates, drivable; stairs and corridors within, on foot."""
    for building in buildings():
        number = building.row * COLUMNS + building.column + 1
        if building.column + 1 < COLUMNS:
            yield _route(building.code, f"B{number + 1}", EAST_STEP, drivable=True)
        if building.row + 1 < ROWS:
            yield _route(building.code, f"B{number + COLUMNS}", NORTH_STEP, drivable=True)
        for storey in range(1, STOREYS + 1):
            floor = f"{building.code}-{storey}F"
            yield _route(building.code, floor, 12.0 * storey, drivable=False)
            for place, zone in enumerate(ZONES):
                yield _route(floor, f"{floor}-{zone}", 10.0 + 8.0 * place, drivable=False)
    for code, near in (("GATE-S", "B5"), ("GATE-N", "B55"), ("AP-1", "B2"), ("AP-2", "B9"), ("AP-3", "B52")):
        yield _route(code, near, 60.0, drivable=True)
    yield _route("AP-4", "B59", 60.0, drivable=True)


def _route(start: str, end: str, length: float, *, drivable: bool) -> Row:
    return {
        "code": f"{start}~{end}",
        "from": start,
        "to": end,
        "length": length,
        "drivable": "yes" if drivable else "no",
    }


def geojson() -> str:
    """Every place as a feature; those without an outline of their own have no geometry."""
    features = [{"type": "Feature", "properties": row, "geometry": shape} for row, shape in places()]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
