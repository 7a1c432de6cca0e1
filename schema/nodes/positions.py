"""Where a thing is on a map, in the map's own system."""

from typing import Annotated

import strawberry
from strawberry import Parent

from hub.coordinates import CoordinateSystem, from_wgs84
from hub.graph.selection import Row
from schema.enums import PositionSystem
from schema.rows import of_the_graph


@strawberry.type(description="A point on Earth.")
class Position:
    system: PositionSystem = strawberry.field(description="The system that it is given in.")
    latitude: float = strawberry.field(description="Degrees north.")
    longitude: float = strawberry.field(description="Degrees east.")


_System = Annotated[PositionSystem, strawberry.argument(description="The system of the map that it is for.")]


@of_the_graph
def position_of(row: Parent[Row], system: _System = PositionSystem.WGS_84) -> Position | None:
    if row["latitude"] is None or row["longitude"] is None:
        return None
    latitude, longitude = from_wgs84(row["latitude"], row["longitude"], CoordinateSystem(system.value))
    return Position(system=system, latitude=latitude, longitude=longitude)


POSITION = "Where it is, in the system that is asked for; to within a metre."
