"""A park with something of every kind, as several sources tell it."""

from datetime import datetime, timedelta
from typing import Any

from adapters.contract import Claim, Identifier, Link, Position
from hub.journal.identity import SourceTrust
from tests.schema.hub import START, Hub

SCHEMES = frozenset(
    {"serial_number", "asset_tag", "unified_social_credit_code", "stock_lot", "warning_identifier", "supply_code"}
)
TRUST = {
    "plan": SourceTrust(precedence=50, trusted_schemes=SCHEMES),
    "nvr": SourceTrust(precedence=60, trusted_schemes=SCHEMES),
    "cabinets": SourceTrust(precedence=60, trusted_schemes=SCHEMES),
    "survey": SourceTrust(precedence=40, trusted_schemes=SCHEMES),
    "roster": SourceTrust(precedence=50, trusted_schemes=SCHEMES),
    "cap": SourceTrust(precedence=50, trusted_schemes=SCHEMES),
    "codes": SourceTrust(precedence=50, trusted_schemes=SCHEMES),
    "registry": SourceTrust(precedence=50, trusted_schemes=SCHEMES),
    "tax": SourceTrust(precedence=50, trusted_schemes=SCHEMES),
    "acme": SourceTrust(precedence=50, trusted_schemes=SCHEMES, organization="acme"),
    "bolt": SourceTrust(precedence=50, trusted_schemes=SCHEMES, organization="bolt"),
}


def claim(kind: str, id_: str, links: dict[str, str] | None = None, /, **values: Any) -> Claim:
    """`links`: relation → `source:external id`."""
    identifiers = values.pop("identifiers", {})
    position = values.pop("position", None)
    return Claim(
        kind=kind,
        external_id=id_,
        values={name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()},
        identifiers=tuple(Identifier(scheme=scheme, value=value) for scheme, value in identifiers.items()),
        links=tuple(
            Link(relation=relation, target=target.partition(":")[2], source=target.partition(":")[0])
            for relation, target in (links or {}).items()
        ),
        position=position,
        observed_at=START,
    )


PEOPLE = {"wang": "王伟", "ouyang": "欧阳建国", "zhang": "张三丰", "smith": "Anna Smith"}


async def furnish(hub: Hub) -> None:
    hours = lambda count: START + timedelta(hours=count)  # noqa: E731
    await hub.append(
        source="plan",
        claims=[
            claim("Place", "park", kind="PARK", name="园区"),
            claim(
                "Place",
                "east",
                {"PART_OF": "plan:park"},
                kind="BUILDING",
                name="东楼",
                position=Position(latitude=29.5630, longitude=106.5516),
            ),
            claim("Place", "east-1", {"PART_OF": "plan:east"}, kind="STOREY", name="东楼一层", level=1),
            claim("Place", "west", {"PART_OF": "plan:park"}, kind="BUILDING", name="西楼"),
            claim("Route", "bridge", {"CONNECTS": "plan:east"}, name="天桥", length=40.0, blocked=True),
            claim(
                "Hazard",
                "battery",
                {"LOCATED_IN": "plan:east-1"},
                name="电池充电",
                kind="fire",
                likelihood=4,
                consequence=5,
            ),
            claim("Hazard", "stairs", {"LOCATED_IN": "plan:west"}, name="楼梯湿滑", kind="fall", likelihood=2),
            claim(
                "HazardousGoods",
                "paint",
                {"LOCATED_IN": "plan:east-1"},
                name="油漆",
                hazard_class="3",
                amount=80.0,
                unit="kg",
            ),
        ],
    )
    await hub.append(
        source="nvr",
        claims=[
            claim("Asset", "rec", kind="RECORDER", name="Recorder", storage_capacity=4e12, storage_free=1e12),
            claim(
                "Asset",
                "cam",
                {"LOCATED_IN": "plan:east-1", "RECORDED_BY": "nvr:rec", "MONITORS": "plan:east-1"},
                kind="CAMERA",
                name="Lobby",
                channel="1",
                online=False,
            ),
        ],
    )
    await hub.append(
        source="cabinets",
        claims=[
            claim("Asset", "panel", {"LOCATED_IN": "plan:east"}, kind="PANEL", name="Panel"),
            claim(
                "Asset",
                "smoke",
                {"LOCATED_IN": "plan:east-1", "CONNECTED_TO": "cabinets:panel"},
                kind="SENSOR",
                name="Smoke",
            ),
        ],
    )
    await hub.append(
        source="codes",
        claims=[
            claim("SupplyItem", "2", code="2", name="装备", level=1),
            claim("SupplyItem", "2030101", {"BELONGS_TO": "codes:2"}, code="2030101", name="灭火器", level=4),
        ],
    )
    await hub.append(
        source="acme",
        claims=[
            claim(
                "Organization",
                "me",
                {"OCCUPIES": "plan:east"},
                kind="TENANT",
                name="重庆宏达五金",
                identifiers={"unified_social_credit_code": "91500000MA5U00000X"},
            ),
            claim(
                "SupplyLot",
                "1",
                {"STORED_IN": "plan:east-1", "OWNED_BY": "acme:me", "OF_ITEM": "codes:2030101"},
                name="干粉灭火器",
                item_code="2030101",
                quantity=20.0,
                unit="1",
                sharing="AGREED",
                agreed_quantity=8.0,
                expires_at=START + timedelta(days=30),
                gtin="06901234567892",
                lot_number="L7",
                identifiers={"stock_lot": "06901234567892/L7/east-1"},
            ),
            claim("SupplyLot", "2", {"STORED_IN": "plan:east-1", "OWNED_BY": "acme:me"}, name="手套", quantity=5.0),
        ],
    )
    await hub.append(
        source="bolt",
        claims=[
            claim("Organization", "me", {"OCCUPIES": "plan:west"}, kind="TENANT", name="Bolt Tools"),
            claim(
                "SupplyLot",
                "1",
                {"STORED_IN": "plan:west", "OWNED_BY": "bolt:me"},
                name="干粉灭火器",
                item_code="2030101",
                quantity=3.0,
                unit="1",
                sharing="OWN",
                gtin="06901234567892",
                lot_number="L7",
                identifiers={"stock_lot": "06901234567892/L7/east-1"},
            ),
        ],
    )
    await hub.append(
        source="roster",
        claims=[
            *(
                claim("Person", id_, {"EMPLOYED_BY": "acme:me"}, name=name, phone=f"1390000{n:04}", roles=("值班员",))
                for n, (id_, name) in enumerate(PEOPLE.items())
            ),
            claim(
                "Qualification",
                "wang-aid",
                {"HELD_BY": "roster:wang"},
                skill="first_aid",
                name="急救",
                certificate="CQ-2024-7788",
                expires_at=START + timedelta(days=90),
            ),
            claim(
                "Shift",
                "day",
                {"SERVED_BY": "roster:wang", "POSTED_AT": "plan:east-1"},
                role="guard",
                starts_at=START,
                ends_at=hours(8),
            ),
            claim(
                "Shift",
                "night",
                {"SERVED_BY": "roster:zhang", "POSTED_AT": "plan:east"},
                role="guard",
                starts_at=hours(8),
                ends_at=hours(16),
            ),
            claim(
                "Shift",
                "far",
                {"SERVED_BY": "roster:smith", "POSTED_AT": "plan:west"},
                role="guard",
                starts_at=START,
                ends_at=hours(8),
            ),
        ],
    )
    message = {"status": "ACTUAL", "message_type": "ALERT", "severity": "SEVERE", "colour": "ORANGE"}
    await hub.append(
        source="cap",
        claims=[
            claim(
                "Warning",
                "storm",
                {"COVERS": "plan:park"},
                identifier="W-1",
                headline="暴雨橙色预警",
                event="暴雨",
                sent=START,
                expires=hours(6),
                **message,
            ),
            claim(
                "Warning",
                "over",
                {"COVERS": "plan:east"},
                identifier="W-2",
                headline="大风",
                sent=START,
                ended_at=hours(1),
                **message,
            ),
            claim(
                "Warning",
                "drill",
                {"COVERS": "plan:east"},
                identifier="W-3",
                headline="演练",
                sent=START,
                **(message | {"status": "EXERCISE"}),
            ),
            claim(
                "Warning", "far-off", {"COVERS": "plan:west"}, identifier="W-4", headline="西", sent=START, **message
            ),
        ],
    )
