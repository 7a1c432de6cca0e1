"""The hazard register: what could happen where, how likely and how grave, and when to look again."""

from adapters.contract import Claim, Link, Value
from hub.ingest.imports import moments
from hub.ingest.imports.cells import Cells
from hub.ingest.imports.kind import BadRow, Circumstances, Column, Kind
from hub.ingest.imports.moments import THROUGH
from hub.ingest.imports.naming import external_id

COLUMNS = (
    Column(name="code", zh="编码", due=True, also=("编号", "隐患编号"), meaning="Its number in the register"),
    Column(name="name", zh="名称", due=True, feeds=("name",), also=("隐患名称", "风险点"), meaning="What it is"),
    Column(name="kind", zh="类型", feeds=("kind",), also=("类别",), meaning="Such as fire, flood, electrical"),
    Column(name="likelihood", zh="可能性", due=True, feeds=("likelihood",), meaning="1 rare to 5 almost certain"),
    Column(
        name="consequence",
        zh="严重程度",
        due=True,
        feeds=("consequence",),
        also=("严重性", "后果", "severity"),
        meaning="1 negligible to 5 catastrophic",
    ),
    Column(name="controls", zh="管控措施", feeds=("controls",), also=("措施",), meaning="What keeps it in check"),
    Column(
        name="place",
        zh="位置",
        feeds=("LOCATED_IN",),
        also=("所在", "地点"),
        meaning="The code of the place where it is",
    ),
    Column(
        name="threatens",
        zh="威胁",
        feeds=("THREATENS",),
        also=("影响区域",),
        meaning="Codes, with ; between, of the places that it would harm",
    ),
    Column(
        name="reviewed", zh="复查日期", feeds=("reviewed_at",), also=("检查日期",), meaning="When it was last looked at"
    ),
    Column(
        name="review_due",
        zh="下次复查",
        feeds=("review_due",),
        also=("复查期限", "下次复查日期"),
        meaning="The last day for the next look",
    ),
)


def called(cells: Cells, circumstances: Circumstances) -> str:
    return external_id("Hazard", cells.code())


def claim(cells: Cells, circumstances: Circumstances) -> Claim:
    zone = circumstances.timezone
    likelihood, consequence = (cells.integer(name, low=1, high=5) for name in ("likelihood", "consequence"))
    for name, value in (("likelihood", likelihood), ("consequence", consequence)):
        if value is None:
            raise BadRow(f"the {name} is empty")
    reviewed = cells.moment("reviewed", zone)
    due = cells.moment("review_due", zone, without_time=THROUGH)
    if reviewed is not None and due is not None and due < reviewed:
        raise BadRow("its next review would be due before the last one")
    place = cells.maybe_code("place")
    links = [] if place is None else [Link(relation="LOCATED_IN", target=external_id("Place", place))]
    links += [Link(relation="THREATENS", target=external_id("Place", each)) for each in cells.codes("threatens")]
    values: dict[str, Value] = {
        "name": cells.due("name"),
        "kind": cells.text("kind"),
        "likelihood": likelihood,
        "consequence": consequence,
        "controls": cells.text("controls"),
        "reviewed_at": moments.text(reviewed),
        "review_due": moments.text(due),
    }
    return Claim(kind="Hazard", external_id=called(cells, circumstances), values=values, links=tuple(links))


HAZARDS = Kind(
    name="hazards",
    entity="Hazard",
    title="The hazard register: likelihood and consequence from 1 to 5, review dates",
    title_zh="风险隐患清单",
    columns=COLUMNS,
    called=called,
    claim=claim,
    examples={
        "en": (
            (
                "H-001",
                "Charging of forklifts",
                "fire",
                "3",
                "4",
                "Smoke detector, no charging at night",
                "B2",
                "B2;B1",
                "2026-04-01",
                "2026-10-01",
            ),
            ("H-002", "Roof drain blocked", "flood", "2", "2", "", "B1", "", "2026-04-01", "2026-06-30"),
        ),
        "zh": (
            (
                "H-001",
                "叉车充电区",
                "火灾",
                "3",
                "4",
                "设感烟探测器，夜间禁止充电",
                "B2",
                "B2；B1",
                "2026年4月1日",
                "2026年10月1日",
            ),
            ("H-002", "屋面排水堵塞", "水浸", "2", "2", "", "B1", "", "2026年4月1日", "2026年6月30日"),
        ),
    },
)
