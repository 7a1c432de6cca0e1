"""Buildings, storeys, zones: where they lie, what they hold, what lies beside them."""

import statistics
from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters.contract import Claim, Link, Position, Value
from graph_models.entities import PlaceKind
from hub.ingest.imports.cells import Cells
from hub.ingest.imports.geometry import metres_between
from hub.ingest.imports.kind import POSITION, BadRow, Circumstances, Column, Kind, words
from hub.ingest.imports.naming import external_id

if TYPE_CHECKING:
    from hub.ingest.imports.standing import Standing

_KINDS = words(
    {
        PlaceKind.PARK: ("园区", "厂区"),
        PlaceKind.BUILDING: ("楼栋", "建筑", "建筑物", "厂房", "仓库"),
        PlaceKind.STOREY: ("楼层", "层", "floor", "story"),
        PlaceKind.ZONE: ("区域", "分区", "区", "房间", "room"),
    }
)
COLUMNS = (
    Column(
        name="code",
        zh="编码",
        due=True,
        feeds=("code",),
        also=("编号",),
        meaning="What the park calls it, such as B2-3F",
    ),
    Column(
        name="kind",
        zh="类型",
        due=True,
        feeds=("kind",),
        also=("类别",),
        meaning="PARK, BUILDING, STOREY or ZONE (园区, 楼栋, 楼层, 区域)",
    ),
    Column(name="name", zh="名称", feeds=("name",), meaning="As people say it"),
    Column(
        name="part_of",
        zh="所属",
        feeds=("PART_OF",),
        also=("上级", "上级编码"),
        meaning="The code of the place that it lies within",
    ),
    Column(
        name="adjacent_to",
        zh="相邻",
        feeds=("ADJACENT_TO",),
        also=("相邻区域",),
        meaning="Codes, with ; between, of places that fire or people can cross to",
    ),
    Column(name="level", zh="层号", feeds=("level",), meaning="A storey's number, 1 the ground floor"),
    Column(name="area", zh="面积", feeds=("area",), meaning="In m²"),
    Column(name="capacity", zh="可容纳人数", feeds=("capacity",), also=("容量",), meaning="People that it may hold"),
    Column(
        name="assembly_point",
        zh="集合点",
        feeds=("assembly_point",),
        also=("应急集合点", "疏散集合点"),
        meaning="yes (是): people gather here after an evacuation",
    ),
    Column(
        name="latitude",
        zh="纬度",
        feeds=(POSITION,),
        also=("lat",),
        meaning="In degrees, WGS-84 unless --coordinates says otherwise",
    ),
    Column(name="longitude", zh="经度", feeds=(POSITION,), also=("lon", "lng"), meaning="In degrees"),
    Column(name="boundary", zh="边界", feeds=("boundary",), meaning="From a GeoJSON file alone"),
)


def called(cells: Cells, circumstances: Circumstances) -> str:
    return external_id("Place", cells.code())


def claim(cells: Cells, circumstances: Circumstances) -> Claim:
    code = cells.code()
    kind = cells.word("kind", _KINDS)
    if kind is None:
        raise BadRow("the kind is empty")
    values: dict[str, Value] = {
        "kind": kind,
        "code": code,
        "name": cells.text("name") or code,
        "level": cells.integer("level"),
        "area": cells.number("area", low=0),
        "capacity": cells.integer("capacity", low=0),
        "assembly_point": cells.truth("assembly_point"),
        "boundary": cells.text("boundary", longest=1 << 22),
    }
    part_of = cells.maybe_code("part_of")
    links = [] if part_of is None else [Link(relation="PART_OF", target=external_id("Place", part_of))]
    links += [Link(relation="ADJACENT_TO", target=external_id("Place", each)) for each in cells.codes("adjacent_to")]
    return Claim(
        kind="Place",
        external_id=called(cells, circumstances),
        values=values,
        links=tuple(links),
        position=cells.position(circumstances),
    )


def check(claims: Mapping[str, Claim], standing: "Standing", circumstances: Circumstances) -> Mapping[str, str]:
    """What lies within itself, or farther from the park than a park is wide."""
    return _circles(claims, standing) | _far(claims, standing, circumstances.extent)


def _circles(claims: Mapping[str, Claim], standing: "Standing") -> dict[str, str]:
    found: dict[str, str] = {}
    for name in claims:
        seen = {name}
        above = _part_of(claims[name])
        while above is not None and above not in seen:
            seen.add(above)
            beyond = claims.get(above) or standing.claim(above)
            above = None if beyond is None else _part_of(beyond)
        if above == name:
            found[name] = f"it would lie within itself; look at part_of of {', '.join(sorted(seen))}"
    return found


def _part_of(claim: Claim) -> str | None:
    return next((link.target for link in claim.links if link.relation == "PART_OF"), None)


def _far(claims: Mapping[str, Claim], standing: "Standing", extent: float) -> dict[str, str]:
    known = [held.position for name, held in standing.claims("Place").items() if held.position and name not in claims]
    given = {name: each.position for name, each in claims.items() if each.position is not None}
    measure = known or list(given.values())
    if not measure:
        return {}
    middle = Position(
        latitude=statistics.median_low([each.latitude for each in measure]),
        longitude=statistics.median_low([each.longitude for each in measure]),
    )
    return {
        name: _too_far(position, middle, extent)
        for name, position in given.items()
        if metres_between(position, middle) > extent
    }


def _too_far(position: Position, middle: Position, extent: float) -> str:
    away = metres_between(position, middle) / 1000
    why = (
        f"it lies {away:,.0f} km from the park's other places, and a park is within {extent / 1000:g} km (park.extent)"
    )
    if abs(position.longitude) <= 90:
        turned = Position(latitude=position.longitude, longitude=position.latitude)
        if metres_between(turned, middle) <= extent:
            return f"{why}: latitude and longitude are swapped"
    return f"{why}; look at its coordinates"


PLACES = Kind(
    name="places",
    entity="Place",
    title="Buildings, storeys and zones, with neighbours and assembly points",
    title_zh="园区、楼栋、楼层、区域及集合点",
    columns=COLUMNS,
    called=called,
    claim=claim,
    check=check,
    shapes=("Polygon", "MultiPolygon", "Point"),
    examples={
        "en": (
            ("P", "PARK", "Example park", "", "", "", "", "", "", "29.5630", "106.5516", ""),
            ("B1", "BUILDING", "Hardware hall", "P", "B2", "", "2400", "300", "", "29.5631", "106.5517", ""),
            ("B1-1F", "STOREY", "Ground floor", "B1", "", "1", "2400", "", "", "", "", ""),
            ("B1-1F-A", "ZONE", "Loading bay", "B1-1F", "", "", "300", "", "", "", "", ""),
            ("B2", "BUILDING", "Warehouse", "P", "B1", "", "5200", "120", "", "29.5634", "106.5520", ""),
            ("YARD", "ZONE", "South yard", "P", "", "", "4000", "1500", "yes", "29.5627", "106.5519", ""),
        ),
        "zh": (
            ("P", "园区", "示范园区", "", "", "", "", "", "", "29.5630", "106.5516", ""),
            ("B1", "楼栋", "五金交易厅", "P", "B2", "", "2400", "300", "", "29.5631", "106.5517", ""),
            ("B1-1F", "楼层", "一层", "B1", "", "1", "2400", "", "", "", "", ""),
            ("B1-1F-A", "区域", "装卸区", "B1-1F", "", "", "300", "", "", "", "", ""),
            ("B2", "楼栋", "仓库", "P", "B1", "", "5200", "120", "", "29.5634", "106.5520", ""),
            ("YARD", "区域", "南广场", "P", "", "", "4000", "1500", "是", "29.5627", "106.5519", ""),
        ),
    },
)
