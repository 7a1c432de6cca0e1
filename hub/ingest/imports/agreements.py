"""Sharing agreements: who shows whom which kinds of rows, for which purposes, from when until when."""

from adapters.contract import Claim, Link, Value
from graph_models.entities import ENTITIES
from hub.errors import nearest
from hub.ingest.imports import moments
from hub.ingest.imports.cells import Cells
from hub.ingest.imports.kind import BadRow, Circumstances, Column, Kind, words
from hub.ingest.imports.moments import THROUGH
from hub.ingest.imports.naming import external_id

_SPELLINGS = {
    "Place": ("场所", "区域"),
    "Asset": ("设备",),
    "Person": ("人员",),
    "Hazard": ("危险源",),
    "HazardousGoods": ("危险品", "危化品"),
    "SupplyLot": ("物资", "库存"),
    "Alert": ("告警", "报警"),
    "Incident": ("事件",),
}
_TYPES = words({entity.__name__: _SPELLINGS.get(entity.__name__, ()) for entity in ENTITIES})
COLUMNS = (
    Column(
        name="code", zh="编码", due=True, feeds=("code",), also=("编号", "协议编号"), meaning="What the parties call it"
    ),
    Column(
        name="provider",
        zh="提供方",
        due=True,
        feeds=("SHARED_BY",),
        also=("甲方",),
        meaning="The code of the organization whose rows are shown",
    ),
    Column(
        name="recipient",
        zh="接收方",
        due=True,
        feeds=("SHARED_WITH",),
        also=("乙方",),
        meaning="The code of the organization that sees them",
    ),
    Column(
        name="types",
        zh="共享内容",
        due=True,
        feeds=("types",),
        also=("数据类型",),
        meaning="Kinds of rows, with ; between, such as SupplyLot;HazardousGoods (物资；危险品)",
    ),
    Column(
        name="purposes",
        zh="用途",
        due=True,
        feeds=("purposes",),
        also=("使用目的",),
        meaning="Purposes, with ; between, by the names of the policies, such as emergency",
    ),
    Column(
        name="from",
        zh="生效日期",
        due=True,
        feeds=("starts_at",),
        also=("起始日期",),
        meaning="The first day",
    ),
    Column(
        name="until",
        zh="截止日期",
        feeds=("ends_at",),
        also=("有效期至",),
        meaning="The last day on which it holds; empty: until it is taken back",
    ),
)


def called(cells: Cells, circumstances: Circumstances) -> str:
    return external_id("SharingAgreement", cells.code())


def claim(cells: Cells, circumstances: Circumstances) -> Claim:
    provider, recipient = (external_id("Organization", cells.code(name)) for name in ("provider", "recipient"))
    if provider == recipient:
        raise BadRow("an organization needs no agreement with itself")
    starts = cells.moment("from", circumstances.timezone)
    if starts is None:
        raise BadRow("the from is empty")
    ends = cells.moment("until", circumstances.timezone, without_time=THROUGH)
    if ends is not None and ends <= starts:
        raise BadRow("it would end before it begins")
    purposes = cells.codes("purposes")
    if not purposes:
        raise BadRow("the purposes are empty")
    values: dict[str, Value] = {
        "code": cells.code(),
        "types": _types(cells),
        "purposes": purposes,
        "starts_at": moments.text(starts),
        "ends_at": moments.text(ends),
    }
    return Claim(
        kind="SharingAgreement",
        external_id=called(cells, circumstances),
        values=values,
        links=(Link(relation="SHARED_BY", target=provider), Link(relation="SHARED_WITH", target=recipient)),
    )


def _types(cells: Cells) -> tuple[str, ...]:
    given = cells.codes("types")
    if not given:
        raise BadRow("the types are empty")
    for each in given:
        if each.lower() not in _TYPES:
            names = [entity.__name__ for entity in ENTITIES]
            raise BadRow(f"the types {each!r} is not known; {nearest(each, names)}")
    return tuple(dict.fromkeys(_TYPES[each.lower()] for each in given))


AGREEMENTS = Kind(
    name="agreements",
    entity="SharingAgreement",
    title="Sharing agreements: who shows whom what, for which purposes",
    title_zh="共享协议",
    columns=COLUMNS,
    called=called,
    claim=claim,
    examples={
        "en": (
            ("SA-01", "T-017", "OP", "SupplyLot;HazardousGoods", "emergency", "2026-01-01", "2026-12-31"),
            ("SA-02", "OP", "FIRE", "Alert;Incident", "emergency;safety", "2026-01-01", ""),
        ),
        "zh": (
            ("SA-01", "T-017", "OP", "物资；危险品", "emergency", "2026年1月1日", "2026年12月31日"),
            ("SA-02", "OP", "FIRE", "告警；事件", "emergency；safety", "2026年1月1日", ""),
        ),
    },
)
