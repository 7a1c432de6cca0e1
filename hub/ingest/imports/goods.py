"""What burns, explodes or poisons: its class, its UN number, how much of it lies where."""

import re

from adapters.contract import Claim, Link, Value
from hub.ingest.imports import moments
from hub.ingest.imports.cells import Cells
from hub.ingest.imports.kind import BadRow, Circumstances, Column, Kind
from hub.ingest.imports.naming import external_id
from hub.units import UnitError, ucum

_CLASS = re.compile(r"(?:第|class|division)?\s*([1-9](?:\.[1-6])?)\s*([A-HJKLNS])?\s*[类项]?", re.IGNORECASE)
_DIVISIONS = {"1": 6, "2": 3, "4": 3, "5": 2, "6": 2}  # GB 6944-2012: how many divisions the class has
_UN = re.compile(r"(?:UN)?\s*-?(\d{4})", re.IGNORECASE)
_UNITS = {"公斤": "kg", "千克": "kg", "吨": "t", "克": "g", "毫升": "mL"}
COLUMNS = (
    Column(name="code", zh="编码", due=True, also=("编号",), meaning="What the park calls this stock of it"),
    Column(name="name", zh="名称", due=True, feeds=("name",), also=("品名",), meaning="What it is"),
    Column(
        name="hazard_class",
        zh="危险类别",
        feeds=("hazard_class",),
        also=("危险性类别", "类别", "class"),
        meaning="Class or division of GB 6944, such as 3 or 2.1",
    ),
    Column(
        name="un_number", zh="联合国编号", feeds=("un_number",), also=("un", "un号", "un编号"), meaning="Four digits"
    ),
    Column(name="amount", zh="数量", feeds=("amount",), also=("储量",), meaning="How much, in `unit`"),
    Column(name="unit", zh="单位", feeds=("unit",), meaning="UCUM, such as kg, t, L, or 千克, 吨, 升"),
    Column(
        name="place",
        zh="位置",
        due=True,
        feeds=("LOCATED_IN",),
        also=("存放位置", "地点"),
        meaning="The code of the place where it lies",
    ),
    Column(
        name="owner", zh="所有者", feeds=("OWNED_BY",), also=("所属企业", "企业"), meaning="The code of an organization"
    ),
    Column(name="counted", zh="盘点日期", feeds=("counted_at",), also=("盘点时间",), meaning="When it was counted"),
)


def called(cells: Cells, circumstances: Circumstances) -> str:
    return external_id("HazardousGoods", cells.code())


def claim(cells: Cells, circumstances: Circumstances) -> Claim:
    amount, unit = cells.number("amount", low=0), cells.text("unit")
    if amount is not None and unit is None:
        raise BadRow("the amount has no unit; give one, such as kg")
    counted = cells.moment("counted", circumstances.timezone)
    owner = cells.maybe_code("owner")
    links = [Link(relation="LOCATED_IN", target=external_id("Place", cells.code("place")))]
    if owner is not None:
        links.append(Link(relation="OWNED_BY", target=external_id("Organization", owner)))
    values: dict[str, Value] = {
        "name": cells.due("name"),
        "hazard_class": _hazard_class(cells.text("hazard_class")),
        "un_number": _un_number(cells.text("un_number")),
        "amount": amount,
        "unit": None if unit is None else _unit(unit),
        "counted_at": moments.text(counted),
    }
    return Claim(kind="HazardousGoods", external_id=called(cells, circumstances), values=values, links=tuple(links))


def _hazard_class(text: str | None) -> str | None:
    if text is None:
        return None
    found = _CLASS.fullmatch(text)
    if found is not None:
        number, _, division = found[1].partition(".")
        if not division or int(division) <= _DIVISIONS.get(number, 0):
            return found[1] + (found[2] or "").upper()
    raise BadRow(f"the hazard_class {text[:40]!r} is none of GB 6944: 1 to 9, or a division such as 2.1 or 5.2")


def _un_number(text: str | None) -> str | None:
    if text is None:
        return None
    # A spreadsheet that took it for a number drops the zeros before it.
    found = _UN.fullmatch(text.zfill(4) if text.isascii() and text.isdigit() else text)
    if found is None:
        raise BadRow(f"the un_number {text[:40]!r} is not four digits, such as UN1203")
    return found[1]


def _unit(text: str) -> str:
    try:
        return _UNITS.get(text) or ucum(text)
    except UnitError as error:
        raise BadRow(str(error)) from error


GOODS = Kind(
    name="goods",
    entity="HazardousGoods",
    title="Hazardous goods: class, UN number, amount and place",
    title_zh="危险货物",
    columns=COLUMNS,
    called=called,
    claim=claim,
    examples={
        "en": (
            ("D-001", "Paint thinner", "3", "UN1263", "400", "L", "B2", "T-017", "2026-04-20"),
            ("D-002", "Acetylene", "2.1", "UN1001", "120", "kg", "B2", "T-017", "2026-04-20"),
        ),
        "zh": (
            ("D-001", "油漆稀释剂", "3", "UN1263", "400", "升", "B2", "T-017", "2026年4月20日"),
            ("D-002", "乙炔", "2.1", "UN1001", "120", "千克", "B2", "T-017", "2026年4月20日"),
        ),
    },
)
