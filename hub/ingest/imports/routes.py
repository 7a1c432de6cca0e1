"""Ways between two places, with their length, and whether they can be driven or are blocked."""

from adapters.contract import Claim, Link, Value
from hub.ingest.imports.cells import Cells
from hub.ingest.imports.kind import BadRow, Circumstances, Column, Kind
from hub.ingest.imports.naming import external_id

COLUMNS = (
    Column(name="code", zh="编码", due=True, also=("编号",), meaning="What the park calls it"),
    Column(name="name", zh="名称", feeds=("name",), meaning="As people say it"),
    Column(
        name="from",
        zh="起点",
        due=True,
        feeds=("CONNECTS",),
        also=("起点编码",),
        meaning="The code of the place at one end",
    ),
    Column(
        name="to",
        zh="终点",
        due=True,
        feeds=("CONNECTS",),
        also=("终点编码",),
        meaning="The code of the place at the other end; a route goes both ways",
    ),
    Column(
        name="length",
        zh="长度",
        feeds=("length",),
        also=("距离",),
        meaning="In m; GeoJSON's is measured where it is not given",
    ),
    Column(name="drivable", zh="可通车", feeds=("drivable",), also=("通车",), meaning="no (否): on foot alone"),
    Column(name="blocked", zh="阻断", feeds=("blocked",), also=("封闭",), meaning="yes (是): nobody gets through"),
    Column(name="blocked_reason", zh="阻断原因", feeds=("blocked_reason",), also=("封闭原因",), meaning="Why"),
)


def called(cells: Cells, circumstances: Circumstances) -> str:
    return external_id("Route", cells.code())


def claim(cells: Cells, circumstances: Circumstances) -> Claim:
    start, end = (external_id("Place", cells.code(name)) for name in ("from", "to"))
    if start == end:
        raise BadRow(f"it would lead from {start} to the same place")
    values: dict[str, Value] = {
        "name": cells.text("name"),
        "length": cells.number("length", low=0, high=1_000_000),
        "drivable": cells.truth("drivable"),
        "blocked": cells.truth("blocked"),
        "blocked_reason": cells.text("blocked_reason"),
    }
    return Claim(
        kind="Route",
        external_id=called(cells, circumstances),
        values=values,
        links=(Link(relation="CONNECTS", target=start), Link(relation="CONNECTS", target=end)),
    )


ROUTES = Kind(
    name="routes",
    entity="Route",
    title="Ways between places: length, drivable or on foot, blocked",
    title_zh="通道与道路",
    columns=COLUMNS,
    called=called,
    claim=claim,
    shapes=("LineString",),
    examples={
        "en": (
            ("R-01", "Main road", "B1", "B2", "85", "yes", "", ""),
            ("R-02", "South stairs", "B1-1F-A", "YARD", "40", "no", "", ""),
        ),
        "zh": (
            ("R-01", "主干道", "B1", "B2", "85", "是", "", ""),
            ("R-02", "南楼梯", "B1-1F-A", "YARD", "40", "否", "", ""),
        ),
    },
)
