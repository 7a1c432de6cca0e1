"""What people can do, with the certificate that proves it and the day on which it ends."""

from adapters.contract import Claim, Link, Value
from hub.ingest.imports import moments
from hub.ingest.imports.cells import Cells
from hub.ingest.imports.kind import BadRow, Circumstances, Column, Kind
from hub.ingest.imports.moments import THROUGH
from hub.ingest.imports.naming import external_id
from hub.ingest.imports.people import person_code

COLUMNS = (
    Column(
        name="person",
        zh="工号",
        due=True,
        feeds=("HELD_BY",),
        personal=True,
        also=("人员", "人员编码"),
        meaning="The person's code",
    ),
    Column(
        name="skill",
        zh="技能",
        due=True,
        feeds=("skill",),
        also=("技能编码", "证书类型"),
        meaning="A code of the park's own list, such as first_aid",
    ),
    Column(name="name", zh="证书名称", feeds=("name",), also=("名称",), meaning="As the certificate says it"),
    Column(
        name="certificate",
        zh="证书编号",
        feeds=("certificate",),
        personal=True,
        also=("证号",),
        meaning="Its number; sealed in the log",
    ),
    Column(name="issuer", zh="发证机关", feeds=("issuer",), also=("发证单位",), meaning="Who issued it"),
    Column(name="issued", zh="发证日期", feeds=("issued_at",), meaning="A date, such as 2026-05-01 or 2026年5月1日"),
    Column(
        name="expires",
        zh="有效期至",
        feeds=("expires_at",),
        also=("到期日期",),
        meaning="The last day on which it is valid",
    ),
)


def called(cells: Cells, circumstances: Circumstances) -> str:
    return external_id("Qualification", f"{person_code(cells, 'person')}/{cells.code('skill')}")


def claim(cells: Cells, circumstances: Circumstances) -> Claim:
    person, skill = person_code(cells, "person"), cells.code("skill")
    zone = circumstances.timezone
    issued = cells.moment("issued", zone)
    expires = cells.moment("expires", zone, without_time=THROUGH)
    if issued is not None and expires is not None and expires < issued:
        raise BadRow("it would expire before it was issued")
    values: dict[str, Value] = {
        "skill": skill,
        "name": cells.text("name"),
        "certificate": cells.text("certificate"),
        "issuer": cells.text("issuer"),
        "issued_at": moments.text(issued),
        "expires_at": moments.text(expires),
    }
    return Claim(
        kind="Qualification",
        external_id=called(cells, circumstances),
        values=values,
        links=(Link(relation="HELD_BY", target=external_id("Person", person)),),
    )


CERTIFICATES = Kind(
    name="certificates",
    entity="Qualification",
    title="Skills and certificates of people",
    title_zh="人员证书",
    columns=COLUMNS,
    called=called,
    claim=claim,
    unique="person and skill",
    examples={
        "en": (
            ("G-07", "first_aid", "First aid", "FA-0001", "Example Red Cross", "2025-03-01", "2028-02-29"),
            ("G-07", "fire_control_room", "Fire control room operator", "FC-0002", "", "2024-07-01", ""),
        ),
        "zh": (
            ("G-07", "first_aid", "急救员证", "FA-0001", "示范市红十字会", "2025年3月1日", "2028年2月29日"),
            ("G-07", "fire_control_room", "消防设施操作员", "FC-0002", "", "2024年7月1日", ""),
        ),
    },
)
