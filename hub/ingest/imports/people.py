"""People with their roles and employers; names and numbers are personal, and sealed in the log."""

import re

from adapters.contract import Claim, Link, Value
from hub.ingest.imports.cells import Cells
from hub.ingest.imports.kind import BadRow, Circumstances, Column, Kind
from hub.ingest.imports.naming import external_id

_PHONE = re.compile(r"\+?[\d\-() ]{3,24}")
_IDENTITY = re.compile(r"\d{15}|\d{17}[\dXx]|1[3-9]\d{9}")
CODE = "the number of an identity card or of a telephone is no code: the log keeps codes in clear. Give a staff number"
COLUMNS = (
    Column(
        name="code",
        zh="工号",
        due=True,
        personal=True,
        also=("编码", "编号", "人员编码"),
        meaning="A staff number, such as G-07; never the number of an identity card",
    ),
    Column(name="name", zh="姓名", due=True, feeds=("name",), personal=True, meaning="Sealed in the log"),
    Column(
        name="phone",
        zh="电话",
        feeds=("phone",),
        personal=True,
        also=("手机", "联系电话", "手机号"),
        meaning="Sealed in the log",
    ),
    Column(name="roles", zh="角色", feeds=("roles",), also=("岗位", "职务"), meaning="With ; between, such as 值班员"),
    Column(
        name="employer",
        zh="单位",
        feeds=("EMPLOYED_BY",),
        also=("所属单位", "所属企业"),
        meaning="The code of an organization",
    ),
)


def person_code(cells: Cells, name: str) -> str:
    """A person's code as another table names it. Raises BadRow for one that names the person to everyone."""
    code = cells.code(name)
    if _IDENTITY.fullmatch(code.replace(" ", "").replace("-", "")):
        raise BadRow(f"the {name} is no staff number: {CODE}")
    return code


def called(cells: Cells, circumstances: Circumstances) -> str:
    return external_id("Person", person_code(cells, "code"))


def claim(cells: Cells, circumstances: Circumstances) -> Claim:
    phone = cells.text("phone")
    if phone is not None and not _PHONE.fullmatch(phone):
        raise BadRow("the phone is no telephone number: digits, spaces, - ( ) and a leading + are taken")
    roles = cells.codes("roles")
    employer = cells.maybe_code("employer")
    values: dict[str, Value] = {"name": cells.due("name"), "phone": phone, "roles": roles or None}
    return Claim(
        kind="Person",
        external_id=called(cells, circumstances),
        values=values,
        links=() if employer is None else (Link(relation="EMPLOYED_BY", target=external_id("Organization", employer)),),
    )


PEOPLE = Kind(
    name="people",
    entity="Person",
    title="People with roles, employers and telephone numbers",
    title_zh="人员",
    columns=COLUMNS,
    called=called,
    claim=claim,
    examples={
        "en": (
            ("G-07", "Li Example", "13800000007", "guard;fire warden", "OP"),
            ("G-08", "Wang Example", "13800000008", "guard", "OP"),
        ),
        "zh": (
            ("G-07", "李示范", "13800000007", "保安；义务消防员", "OP"),
            ("G-08", "王示范", "13800000008", "保安", "OP"),
        ),
    },
)
