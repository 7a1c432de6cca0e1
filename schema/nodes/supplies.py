"""Supplies: coded items of the reserve standard, and the lots that lie in the park."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import Parent

from graph_models.entities import LotSharing as LotTerms
from hub.graph.selection import Row
from schema.nodes.facts import FACTS, PROVENANCE, Fact, Provenance, facts_of, provenance_of
from schema.nodes.node import Node
from schema.nodes.people import Organization
from schema.nodes.places import Place
from schema.pages import ITEMS, LOTS, Items, Lots
from schema.rows import Asked, is_row_of, of_the_graph, related


@strawberry.type(description="On what terms others may count on a lot.")
class LotSharing:
    terms: LotTerms = strawberry.field(description="The terms.")
    agreed_quantity: float | None = strawberry.field(
        description="How much, in the lot's unit, where the terms are AGREED."
    )


@of_the_graph
def _sharing(row: Parent[Row]) -> LotSharing | None:
    return row if row["terms"] is not None else None  # type: ignore[return-value]


@strawberry.federation.type(keys=["id"], description="A coded item of the reserve standard.")
class SupplyItem(Node):
    code: str = strawberry.field(description="Its code in the standard.")
    name: str | None = strawberry.field(description="What the standard calls it.")
    level: int | None = strawberry.field(description="How deep it stands in the standard's tree; 1 is the top.")
    unit: str | None = strawberry.field(description="The UCUM code of the unit that lots of it are counted in.")
    standard: str | None = strawberry.field(description="The standard, such as GB/T 38565-2020.")
    retired: bool = strawberry.field(description="No source tells of it any more.")
    parent: Annotated["SupplyItem", strawberry.lazy("schema.nodes.supplies")] | None = strawberry.field(
        resolver=related, description="The class above it."
    )
    children: Items = strawberry.field(resolver=ITEMS.related(), description="The items right below it.")
    lots: Lots = strawberry.field(resolver=LOTS.below(), description="The lots of it.")
    facts: list[Fact] = strawberry.field(resolver=facts_of, description=FACTS)
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("SupplyItem")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")


@strawberry.federation.type(keys=["id"], description="Some of one item, of one lot, one holder, in one place.")
class SupplyLot(Node):
    name: str | None = strawberry.field(description="What its holder calls it.")
    item_code: str | None = strawberry.field(description="Its code in the reserve standard; null: not mapped yet.")
    quantity: float | None = strawberry.field(description="How much there is, in `unit`.")
    unit: str | None = strawberry.field(description="The unit's UCUM code.")
    lot_number: str | None = strawberry.field(description="The maker's number of the lot.")
    gtin: str | None = strawberry.field(description="GS1's number of the trade item.")
    expires_at: datetime | None = strawberry.field(description="When it expires; null: never, or not known.")
    sharing: LotSharing | None = strawberry.field(
        resolver=_sharing, description="On what terms others may count on it; null: not shown to you."
    )
    retired: bool = strawberry.field(description="No source tells of it any more.")
    item: SupplyItem | None = strawberry.field(resolver=related, description="The coded item that it is.")
    holder: Organization | None = strawberry.field(resolver=related, description="Who holds it.")
    place: Place | None = strawberry.field(resolver=related, description="Where it lies.")
    facts: list[Fact] = strawberry.field(resolver=facts_of, description=FACTS)
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("SupplyLot")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")
