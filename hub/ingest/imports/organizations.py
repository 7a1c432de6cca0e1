"""Companies, authorities and who else acts in the park, with where they work."""

from adapters.contract import Claim, Identifier, Link, Value
from graph_models.entities import OrganizationKind
from hub.ingest.imports.cells import Cells
from hub.ingest.imports.kind import IDENTIFIERS, BadRow, Circumstances, Column, Kind, words
from hub.ingest.imports.naming import external_id

_KINDS = words(
    {
        OrganizationKind.OPERATOR: ("运营方", "园区运营", "管委会"),
        OrganizationKind.TENANT: ("租户", "入驻企业", "企业", "商户"),
        OrganizationKind.GOVERNMENT: ("政府", "政府部门"),
        OrganizationKind.PROPERTY: ("物业", "物业公司"),
        OrganizationKind.COMMUNITY: ("社区",),
        OrganizationKind.RESCUE: ("救援", "救援队", "救援队伍"),
    }
)
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # of GB 32100-2015
_CODE = "unified_social_credit_code"
COLUMNS = (
    Column(
        name="code", zh="编码", due=True, also=("编号", "企业编码"), meaning="What the park calls it, such as T-017"
    ),
    Column(
        name="name", zh="名称", due=True, feeds=("name",), also=("企业名称", "单位名称"), meaning="Its registered name"
    ),
    Column(
        name="kind",
        zh="类型",
        feeds=("kind",),
        also=("类别",),
        meaning="OPERATOR, TENANT, GOVERNMENT, PROPERTY, COMMUNITY or RESCUE (运营方, 租户, 政府, 物业, 社区, 救援)",
    ),
    Column(
        name=_CODE,
        zh="统一社会信用代码",
        feeds=(_CODE, IDENTIFIERS),
        also=("信用代码", "uscc"),
        meaning="GB 32100, 18 characters; by it the same company of several sources is one",
    ),
    Column(name="address", zh="地址", feeds=("address",), meaning="Its postal address"),
    Column(
        name="telephone",
        zh="电话",
        feeds=("telephone",),
        also=("联系电话",),
        meaning="Its own line, nobody's personal number",
    ),
    Column(
        name="occupies",
        zh="所在",
        feeds=("OCCUPIES",),
        also=("所在区域", "位置"),
        meaning="Codes, with ; between, of the places where it works",
    ),
    Column(
        name="jurisdiction",
        zh="管辖",
        feeds=("HAS_JURISDICTION_OVER",),
        also=("管辖区域",),
        meaning="An authority's: codes, with ; between, of the places that it looks after, with all that lies in them",
    ),
)


def called(cells: Cells, circumstances: Circumstances) -> str:
    return external_id("Organization", cells.code())


def claim(cells: Cells, circumstances: Circumstances) -> Claim:
    credit_code = cells.text(_CODE)
    if credit_code is not None:
        credit_code = _checked(credit_code.upper().replace(" ", ""))
    values: dict[str, Value] = {
        "name": cells.due("name"),
        "kind": cells.word("kind", _KINDS),
        _CODE: credit_code,
        "address": cells.text("address"),
        "telephone": cells.text("telephone"),
    }
    return Claim(
        kind="Organization",
        external_id=called(cells, circumstances),
        identifiers=() if credit_code is None else (Identifier(scheme=_CODE, value=credit_code),),
        values=values,
        links=tuple(
            Link(relation=relation, target=external_id("Place", each))
            for relation, column in (("OCCUPIES", "occupies"), ("HAS_JURISDICTION_OVER", "jurisdiction"))
            for each in cells.codes(column)
        ),
    )


def _checked(code: str) -> str:
    """Eighteen characters, of which the last is checked modulo 31 (GB 32100-2015)."""
    if len(code) != 18 or any(each not in _ALPHABET for each in code):
        raise BadRow(f"the {_CODE} {code!r} is not 18 digits and letters without I, O, S, V and Z")
    total = sum(_ALPHABET.index(each) * pow(3, place, 31) for place, each in enumerate(code[:17]))
    if _ALPHABET[(31 - total % 31) % 31] != code[17]:
        raise BadRow(f"the {_CODE} {code!r} has a wrong check digit: a character is mistyped")
    return code


ORGANIZATIONS = Kind(
    name="organizations",
    entity="Organization",
    title="Tenants, the operator, authorities, and the places where they work",
    title_zh="企业与单位",
    columns=COLUMNS,
    called=called,
    claim=claim,
    examples={
        "en": (
            ("OP", "Example park operator", "OPERATOR", "", "", "", "P", ""),
            ("T-017", "Example hardware", "TENANT", "", "1 Example Road", "023-00000000", "B1;B2", ""),
            ("FIRE", "Example fire department", "GOVERNMENT", "", "", "119", "", "P"),
        ),
        "zh": (
            ("OP", "示范园区运营有限公司", "运营方", "", "", "", "P", ""),
            ("T-017", "示范五金有限公司", "租户", "", "示范路1号", "023-00000000", "B1；B2", ""),
            ("FIRE", "示范市消防救援支队", "政府", "", "", "119", "", "P"),
        ),
    },
)
