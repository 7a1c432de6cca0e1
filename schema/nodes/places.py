"""Places: park, buildings, storeys, zones; and the routes between them."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from graph_models.entities import PlaceKind
from schema.nodes.facts import FACTS, PROVENANCE, Fact, Provenance, facts_of, provenance_of
from schema.nodes.node import Node
from schema.nodes.positions import POSITION, Position, position_of
from schema.pages import (
    ALERTS,
    ASSETS,
    GOODS,
    HAZARDS,
    LOTS,
    ORGANIZATIONS,
    PLACES,
    ROUTES,
    SHIFTS,
    WARNINGS,
    Alerts,
    Assets,
    Goods,
    Hazards,
    Lots,
    Organizations,
    Places,
    Routes,
    Shifts,
    Warnings,
)
from schema.rows import Asked, is_row_of, related

if TYPE_CHECKING:
    from schema.nodes.people import Organization


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
    position: Position | None = strawberry.field(resolver=position_of, description=POSITION)
    retired: bool = strawberry.field(description="No source tells of it any more.")
    part_of: Annotated["Place", strawberry.lazy("schema.nodes.places")] | None = strawberry.field(
        resolver=related, description="The place that it lies in."
    )
    path: list[Annotated["Place", strawberry.lazy("schema.nodes.places")]] = strawberry.field(
        resolver=related, description="All places that it lies in, the nearest first."
    )
    parts: Places = strawberry.field(resolver=PLACES.related(), description="The places right within it.")
    adjacent: Places = strawberry.field(
        resolver=PLACES.related(),
        description="The places that share a boundary with it which fire or people can cross.",
    )
    routes: Routes = strawberry.field(resolver=ROUTES.related(), description="The routes that end here.")
    owner: Annotated["Organization", strawberry.lazy("schema.nodes.people")] | None = strawberry.field(
        resolver=related, description="Whose it is."
    )
    occupants: Organizations = strawberry.field(resolver=ORGANIZATIONS.below(), description="Who works here.")
    assets: Assets = strawberry.field(resolver=ASSETS.below(), description="What stands here.")
    monitored_by: Assets = strawberry.field(resolver=ASSETS.related(), description="What watches it.")
    alerts: Alerts = strawberry.field(resolver=ALERTS.related(), description="Alerts here or anywhere within it.")
    lots: Lots = strawberry.field(resolver=LOTS.below(), description="What is stored here.")
    goods: Goods = strawberry.field(resolver=GOODS.below(), description="What burns, explodes or poisons here.")
    hazards: Hazards = strawberry.field(
        resolver=HAZARDS.below(), description="Hazards of the register that are here or threaten it."
    )
    warnings: Warnings = strawberry.field(
        resolver=WARNINGS.at(),
        description="Official warnings for it, or for a place that it lies in, which are in force.",
    )
    people_on_duty: Shifts = strawberry.field(
        resolver=SHIFTS.at(), description="Who is on duty here or anywhere within it: the shifts, each with its person."
    )
    facts: list[Fact] = strawberry.field(resolver=facts_of, description=FACTS)
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("Place")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")


@strawberry.federation.type(
    keys=["id"], description="A way that people or vehicles take between two places, in both directions."
)
class Route(Node):
    name: str | None = strawberry.field(description="What people call it.")
    length: float | None = strawberry.field(description="Its length in metres.")
    drivable: bool | None = strawberry.field(description="Vehicles can take it; false is on foot alone.")
    blocked: bool | None = strawberry.field(description="Nobody can pass.")
    blocked_reason: str | None = strawberry.field(description="Why nobody can pass.")
    retired: bool = strawberry.field(description="No source tells of it any more.")
    places: Places = strawberry.field(resolver=PLACES.related(), description="Its two ends.")
    facts: list[Fact] = strawberry.field(resolver=facts_of, description=FACTS)
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("Route")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")
