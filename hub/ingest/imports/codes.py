"""The codes of supplies: the park's own copy of the reserve standard's table, or codes of its own."""

from collections.abc import Mapping

from adapters.contract import Claim, Identifier, Link, Value
from graph_models.standards import reserve_standard
from hub.ingest.imports.cells import Cells
from hub.ingest.imports.kind import IDENTIFIERS, BadRow, Circumstances, Column, Kind
from hub.ingest.imports.naming import external_id
from hub.ingest.imports.standing import Standing
from hub.units import UnitError, ucum

_STANDARD = reserve_standard()
COLUMNS = (
    Column(
        name="code",
        zh="编码",
        due=True,
        feeds=("code", "level", IDENTIFIERS),
        also=("代码", "分类代码", "物资编码"),
        meaning=f"Of {_STANDARD.name}: 1, 3, 5 or 7 digits, as in your copy of it; or a code of your own standard",
    ),
    Column(
        name="name", zh="名称", due=True, feeds=("name",), also=("物资名称", "类目名称"), meaning="The class or item"
    ),
    Column(name="unit", zh="单位", feeds=("unit",), also=("计量单位",), meaning="In which lots of it are counted"),
    Column(
        name="standard",
        zh="标准",
        feeds=("standard",),
        also=("标准号",),
        meaning=f"Whose code it is; empty: {_STANDARD.name}",
    ),
    Column(
        name="part_of",
        zh="上级编码",
        feeds=("BELONGS_TO",),
        also=("父代码", "上级代码"),
        meaning="The code of the class above, which must be there too; empty: none",
    ),
)


def called(cells: Cells, circumstances: Circumstances) -> str:
    return external_id("SupplyItem", cells.code())


def claim(cells: Cells, circumstances: Circumstances) -> Claim:
    code, standard = cells.code(), cells.text("standard") or _STANDARD.name
    level = None
    if standard == _STANDARD.name:
        if (problem := _STANDARD.problem(code)) is not None:
            raise BadRow(problem)
        level = _STANDARD.level(code)
    above = cells.maybe_code("part_of")
    values: dict[str, Value] = {
        "code": code,
        "name": cells.due("name"),
        "unit": _unit(cells.text("unit")),
        "standard": standard,
        "level": level,
    }
    return Claim(
        kind="SupplyItem",
        external_id=called(cells, circumstances),
        identifiers=(Identifier(scheme="supply_code", value=f"{standard}/{code}"),),
        values=values,
        links=(Link(relation="BELONGS_TO", target=external_id("SupplyItem", above)),) if above else (),
    )


def _unit(given: str | None) -> str | None:
    try:
        return None if given is None else ucum(given)
    except UnitError as error:
        raise BadRow(str(error)) from error


def check(claims: Mapping[str, Claim], standing: Standing, circumstances: Circumstances) -> Mapping[str, str]:
    """A class above that is named must be there, and nothing may lie within itself."""
    found = {}
    for name, each in claims.items():
        for link in each.links:
            if link.target == name:
                found[name] = "it would belong to itself; leave part_of empty"
            elif link.target not in claims and standing.claim(link.target) is None:
                found[name] = f"there is no class {link.target.partition(':')[2]} above it; add its row"
    return found


_EXAMPLES = tuple((one.code, one.name, "", _STANDARD.name, "") for one in _STANDARD.classes)
CODES = Kind(
    name="codes",
    entity="SupplyItem",
    title="Codes of supplies: the reserve standard's table, from the park's own copy",
    title_zh="应急物资编码",
    columns=COLUMNS,
    called=called,
    claim=claim,
    check=check,
    examples={"en": _EXAMPLES, "zh": _EXAMPLES},
)
