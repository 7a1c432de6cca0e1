"""What sensors measure: the latest and past readings, from the journal in one batch a request."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import Parent

from adapters.contract import Quality
from hub.graph.selection import Row
from schema import reading
from schema.rows import Asked, related

if TYPE_CHECKING:
    from schema.nodes.assets import Asset


@strawberry.type(description="One measured value.")
class Reading:
    quantity: str = strawberry.field(description="What was measured, such as `temperature`.")
    value: float = strawberry.field(description="The value, in `unit`.")
    unit: str = strawberry.field(description="The unit's UCUM code, such as `Cel`.")
    at: datetime = strawberry.field(description="When it was measured, else received.")
    quality: Quality = strawberry.field(description="How far it can be trusted.")
    device_at: datetime | None = strawberry.field(description="The device's own stamp, where it was not believed.")
    source: str = strawberry.field(description="The id of the source that it came from.")
    stale: bool = strawberry.field(
        description="The source has been silent for longer than it promised, or is no longer read."
    )


_Quantity = Annotated[str | None, strawberry.argument(description="Of this quantity alone.")]
_Since = Annotated[datetime | None, strawberry.argument(description="From this moment on.")]
_Until = Annotated[datetime | None, strawberry.argument(description="Before this moment.")]
_First = Annotated[
    int, strawberry.argument(description=f"How many at most, the newest first; up to {reading.MAX_READINGS}.")
]


async def _readings(
    row: Parent[Row],
    info: Asked,
    quantity: _Quantity = None,
    since: _Since = None,
    until: _Until = None,
    first: _First = 100,
) -> list[Reading]:
    return await reading.past(row, info, quantity, since, until, first)  # type: ignore[return-value]


async def _latest(row: Parent[Row], info: Asked) -> list[Reading]:
    return await reading.latest(row, info)  # type: ignore[return-value]


async def _quantities(row: Parent[Row], info: Asked) -> list[str]:
    return await reading.quantities(row, info)


@strawberry.type(description="What a sensor measures.")
class Sensor:
    quantities: list[str] = strawberry.field(resolver=_quantities, description="What it has measured so far.")
    latest: list[Reading] = strawberry.field(
        resolver=_latest, description="The newest reading of each quantity, by each source."
    )
    readings: list[Reading] = strawberry.field(
        resolver=_readings, description="Past readings with since ≤ at < until, the newest first."
    )
    reports_to: Annotated["Asset", strawberry.lazy("schema.nodes.assets")] | None = strawberry.field(
        resolver=related, description="The fire panel that it reports to."
    )
