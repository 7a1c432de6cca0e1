"""Places: park, buildings, storeys, zones."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import Parent

from graph_models.entities import PlaceKind
from hub.graph.selection import Row
from schema import reading
from schema.connections import (
    After,
    AlertOrderBy,
    AssetOrderBy,
    Connection,
    First,
    PlaceOrderBy,
    WhichAlerts,
    WhichAssets,
    WhichPlaces,
)
from schema.enums import AlertOrder, AssetOrder, PlaceOrder
from schema.nodes.facts import Fact, FactNames
from schema.nodes.node import Node
from schema.rows import Asked, is_row_of, related

if TYPE_CHECKING:
    from schema.nodes.alerts import Alert
    from schema.nodes.assets import Asset

Assets = Connection[Annotated["Asset", strawberry.lazy("schema.nodes.assets")]]
Alerts = Connection[Annotated["Alert", strawberry.lazy("schema.nodes.alerts")]]
Places = Connection[Annotated["Place", strawberry.lazy("schema.nodes.places")]]

_Below = Annotated[bool, strawberry.argument(description="Also those in all places within this one.")]


def _parts(
    row: Parent[Row],
    info: Asked,
    which: WhichPlaces = None,
    first: First = 50,
    after: After = None,
    order_by: PlaceOrderBy = PlaceOrder.ID,
) -> Places:
    return related(row, info)  # type: ignore[no-any-return]


def _assets(
    row: Parent[Row],
    info: Asked,
    below: _Below = False,
    which: WhichAssets = None,
    first: First = 50,
    after: After = None,
    order_by: AssetOrderBy = AssetOrder.ID,
) -> Assets:
    return related(row, info)  # type: ignore[no-any-return]


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


async def _facts(row: Parent[Row], info: Asked, fields: FactNames = None) -> list[Fact]:
    return await reading.facts(row, info, fields)  # type: ignore[return-value]


@strawberry.federation.type(keys=["id"], description="Park, building, storey or zone.")
class Place(Node):
    kind: PlaceKind = strawberry.field(description="What it is.")
    name: str | None = strawberry.field(description="What people call it.")
    code: str | None = strawberry.field(description="What the park itself calls it, such as B2-3F.")
    level: int | None = strawberry.field(description="A storey's number; 1 is the ground floor.")
    area: float | None = strawberry.field(description="Its floor area in square metres.")
    occupancy: int | None = strawberry.field(description="People inside, by the last count.")
    capacity: int | None = strawberry.field(description="People that it may hold.")
    assembly_point: bool | None = strawberry.field(description="People gather here after an evacuation.")
    boundary: str | None = strawberry.field(description="Its outline: a GeoJSON Polygon or MultiPolygon, WGS-84.")
    latitude: float | None = strawberry.field(description="Degrees north, WGS-84.")
    longitude: float | None = strawberry.field(description="Degrees east, WGS-84.")
    retired: bool = strawberry.field(description="No source tells of it any more.")
    part_of: Annotated["Place", strawberry.lazy("schema.nodes.places")] | None = strawberry.field(
        resolver=related, description="The place that it lies in."
    )
    path: list[Annotated["Place", strawberry.lazy("schema.nodes.places")]] = strawberry.field(
        resolver=related, description="All places that it lies in, the nearest first."
    )
    parts: Places = strawberry.field(resolver=_parts, description="The places right within it.")
    adjacent: Places = strawberry.field(
        resolver=_parts, description="The places that share a boundary with it which fire or people can cross."
    )
    assets: Assets = strawberry.field(resolver=_assets, description="What stands here.")
    monitored_by: Assets = strawberry.field(resolver=_monitored_by, description="What watches it.")
    alerts: Alerts = strawberry.field(resolver=_alerts, description="Alerts here or anywhere within it.")
    facts: list[Fact] = strawberry.field(
        resolver=_facts, description="Where the shown values come from, and what other sources say."
    )

    is_type_of = is_row_of("Place")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")
