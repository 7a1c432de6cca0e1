"""What lists can be sorted by: an enum a kind, made of the kind's own sort keys."""

from collections.abc import Mapping
from enum import StrEnum
from typing import cast

from hub.graph.selection import Order
from schema.enums import described

_MEANINGS: Mapping[Order, str] = {
    Order.ID: "By id.",
    Order.NAME: "By name, those without a name first.",
    Order.NAME_DOWN: "By name downwards, those without a name last.",
    Order.CODE: "By code, those without one first.",
    Order.CODE_DOWN: "By code downwards, those without one last.",
    Order.LEVEL: "By storey, those without a level first.",
    Order.LEVEL_DOWN: "By storey from the top, those without a level last.",
    Order.OPENED_AT: "The oldest first.",
    Order.OPENED_AT_DOWN: "The newest first.",
    Order.SKILL: "By skill.",
    Order.EXPIRES_AT: "What expires soonest first, what never does last.",
    Order.STARTS_AT: "What begins first, first.",
    Order.STARTS_AT_DOWN: "What begins last, first.",
    Order.SCORE: "By score, those without one first.",
    Order.SCORE_DOWN: "The highest score first, those without one last.",
    Order.REVIEW_DUE: "What is due for review first, first; what is not due last.",
    Order.HAZARD_CLASS: "By hazard class, those without one first.",
    Order.SENT: "The oldest first.",
    Order.SENT_DOWN: "The newest first.",
    Order.EXPIRES: "What expires soonest first, what never does last.",
}


def _orders(name: str, of: str, *orders: Order) -> type[StrEnum]:
    members = {order.name.replace("_DOWN", "_DESC"): order.value for order in (Order.ID, *orders)}
    meanings = {order.name.replace("_DOWN", "_DESC"): _MEANINGS[order] for order in (Order.ID, *orders)}
    made = cast("type[StrEnum]", StrEnum(name, members))
    return described(made, f"How {of} are sorted; the id breaks ties.", meanings)


PlaceOrder = _orders(
    "PlaceOrder",
    "places",
    Order.NAME,
    Order.NAME_DOWN,
    Order.CODE,
    Order.CODE_DOWN,
    Order.LEVEL,
    Order.LEVEL_DOWN,
)
RouteOrder = _orders("RouteOrder", "routes", Order.NAME)
AssetOrder = _orders("AssetOrder", "assets", Order.NAME, Order.NAME_DOWN)
AlertOrder = _orders("AlertOrder", "alerts", Order.OPENED_AT, Order.OPENED_AT_DOWN)
OrganizationOrder = _orders("OrganizationOrder", "organizations", Order.NAME, Order.NAME_DOWN)
PersonOrder = _orders("PersonOrder", "people", Order.NAME, Order.NAME_DOWN)
QualificationOrder = _orders("QualificationOrder", "qualifications", Order.SKILL, Order.EXPIRES_AT)
ShiftOrder = _orders("ShiftOrder", "shifts", Order.STARTS_AT, Order.STARTS_AT_DOWN)
HazardOrder = _orders("HazardOrder", "hazards", Order.NAME, Order.SCORE, Order.SCORE_DOWN, Order.REVIEW_DUE)
HazardousGoodsOrder = _orders("HazardousGoodsOrder", "hazardous goods", Order.NAME, Order.HAZARD_CLASS)
SupplyItemOrder = _orders("SupplyItemOrder", "coded items", Order.CODE, Order.CODE_DOWN, Order.NAME)
SupplyLotOrder = _orders("SupplyLotOrder", "lots", Order.NAME, Order.NAME_DOWN, Order.EXPIRES_AT)
WarningOrder = _orders("WarningOrder", "warnings", Order.SENT, Order.SENT_DOWN, Order.EXPIRES)
IncidentOrder = _orders("IncidentOrder", "incidents", Order.OPENED_AT, Order.OPENED_AT_DOWN)
SharingAgreementOrder = _orders(
    "SharingAgreementOrder", "sharing agreements", Order.CODE, Order.CODE_DOWN, Order.STARTS_AT, Order.STARTS_AT_DOWN
)
