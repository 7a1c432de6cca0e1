"""Assets: sensors, cameras, recorders, equipment."""

from typing import Annotated, Any

import strawberry
from strawberry import Parent

from graph_models.entities import AssetKind
from hub.graph.selection import Row
from schema import reading
from schema.connections import After, AlertOrderBy, AssetOrderBy, First, WhichAlerts, WhichAssets
from schema.enums import AlertOrder, AssetOrder
from schema.nodes.facts import Fact, FactNames
from schema.nodes.node import Node
from schema.nodes.places import Alerts, Assets, Place
from schema.nodes.sensors import Sensor
from schema.rows import Asked, is_row_of, related, watched

Watched = Annotated[
    Place | Annotated["Asset", strawberry.lazy("schema.nodes.assets")],
    strawberry.union(name="Watched", description="What a sensor or camera watches."),
]


def _monitors(row: Parent[Row], info: Asked, first: First = 50) -> list[Watched]:
    return watched(row, info, first)  # type: ignore[return-value]


def _monitored_by(
    row: Parent[Row],
    info: Asked,
    which: WhichAssets = None,
    first: First = 50,
    after: After = None,
    order_by: AssetOrderBy = AssetOrder.ID,
) -> Assets:
    return related(row, info)  # type: ignore[no-any-return]


def _alerts(
    row: Parent[Row],
    info: Asked,
    which: WhichAlerts = None,
    first: First = 50,
    after: After = None,
    order_by: AlertOrderBy = AlertOrder.OPENED_AT_DESC,
) -> Alerts:
    return related(row, info)  # type: ignore[no-any-return]


def _sensor(row: Parent[Row]) -> Sensor | None:
    return row if row["kind"] == AssetKind.SENSOR else None  # type: ignore[return-value]


async def _facts(row: Parent[Row], info: Asked, fields: FactNames = None) -> list[Fact]:
    return await reading.facts(row, info, fields)  # type: ignore[return-value]


@strawberry.federation.type(keys=["id"], description="A thing that is looked after.")
class Asset(Node):
    kind: AssetKind = strawberry.field(description="What it is.")
    name: str | None = strawberry.field(description="What people call it.")
    manufacturer: str | None = strawberry.field(description="Who made it.")
    model: str | None = strawberry.field(description="The maker's name for its kind.")
    serial_number: str | None = strawberry.field(description="The maker's number of this very one.")
    firmware: str | None = strawberry.field(description="The version of its firmware.")
    device_type: str | None = strawberry.field(description="What its maker or standard calls this sort of device.")
    channel: str | None = strawberry.field(
        description="A camera's channel at its recorder, a detector's loop and address at its panel."
    )
    online: bool | None = strawberry.field(description="Whether the system that manages it reaches it.")
    storage_capacity: float | None = strawberry.field(description="A recorder's storage, in bytes.")
    storage_free: float | None = strawberry.field(description="What of it is free, in bytes.")
    latitude: float | None = strawberry.field(description="Degrees north, WGS-84.")
    longitude: float | None = strawberry.field(description="Degrees east, WGS-84.")
    retired: bool = strawberry.field(description="No source tells of it any more.")
    place: Place | None = strawberry.field(resolver=related, description="Where it stands.")
    monitors: list[Watched] = strawberry.field(resolver=_monitors, description="What it watches, places first.")
    monitored_by: Assets = strawberry.field(resolver=_monitored_by, description="What watches it.")
    alerts: Alerts = strawberry.field(resolver=_alerts, description="Alerts about it.")
    sensor: Sensor | None = strawberry.field(resolver=_sensor, description="What it measures, where it is a sensor.")
    facts: list[Fact] = strawberry.field(
        resolver=_facts, description="Where the shown values come from, and what other sources say."
    )

    is_type_of = is_row_of("Asset")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")
