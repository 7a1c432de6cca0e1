"""What can be asked."""

from typing import Annotated

import strawberry

from schema import reading
from schema.connections import (
    After,
    AlertOrderBy,
    AssetOrderBy,
    First,
    PlaceOrderBy,
    WhichAlerts,
    WhichAssets,
    WhichPlaces,
)
from schema.enums import AlertOrder, AssetOrder, PlaceOrder
from schema.nodes.alerts import Alert
from schema.nodes.assets import Asset
from schema.nodes.node import Node
from schema.nodes.places import Alerts, Assets, Place, Places
from schema.nodes.sources import Source
from schema.rows import Asked

_Id = Annotated[strawberry.ID, strawberry.argument(name="id", description="Its id.")]
_Retired = Annotated[bool, strawberry.argument(description="Also if no source tells of it any more.")]


async def _node(info: Asked, id_: _Id) -> Node | None:
    return await reading.any_node(info, id_)  # type: ignore[return-value]


async def _place(info: Asked, id_: _Id, include_retired: _Retired = False) -> Place | None:
    return await reading.one(info, "Place", id_, include_retired=include_retired)  # type: ignore[return-value]


async def _asset(info: Asked, id_: _Id, include_retired: _Retired = False) -> Asset | None:
    return await reading.one(info, "Asset", id_, include_retired=include_retired)  # type: ignore[return-value]


async def _alert(info: Asked, id_: _Id) -> Alert | None:
    return await reading.one(info, "Alert", id_, include_retired=True)  # type: ignore[return-value]


async def _places(
    info: Asked,
    which: WhichPlaces = None,
    first: First = 50,
    after: After = None,
    order_by: PlaceOrderBy = PlaceOrder.ID,
) -> Places:
    return await reading.listed(info, "Place")  # type: ignore[return-value]


async def _assets(
    info: Asked,
    which: WhichAssets = None,
    first: First = 50,
    after: After = None,
    order_by: AssetOrderBy = AssetOrder.ID,
) -> Assets:
    return await reading.listed(info, "Asset")  # type: ignore[return-value]


async def _alerts(
    info: Asked,
    which: WhichAlerts = None,
    first: First = 50,
    after: After = None,
    order_by: AlertOrderBy = AlertOrder.OPENED_AT_DESC,
) -> Alerts:
    return await reading.listed(info, "Alert")  # type: ignore[return-value]


def _sources(info: Asked) -> list[Source]:
    return list(info.context.services.sources.statuses())  # type: ignore[arg-type]


@strawberry.type(description="What can be asked of the park.")
class Query:
    node: Node | None = strawberry.field(resolver=_node, description="Whatever has this id, if you may see it.")
    place: Place | None = strawberry.field(resolver=_place, description="The place of this id.")
    places: Places = strawberry.field(resolver=_places, description="The park's places.")
    asset: Asset | None = strawberry.field(resolver=_asset, description="The asset of this id.")
    assets: Assets = strawberry.field(resolver=_assets, description="The park's assets.")
    alert: Alert | None = strawberry.field(resolver=_alert, description="The alert of this id.")
    alerts: Alerts = strawberry.field(resolver=_alerts, description="The park's alerts.")
    sources: list[Source] = strawberry.field(
        resolver=_sources, description="The sources that the park is read from, and how each fares."
    )
