"""Where a shown value comes from, and what else is said."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import Parent

from hub.graph.selection import Row
from schema import facts
from schema.rows import Asked
from schema.scalars import FactValue


@strawberry.type(description="One source's word on one field of an entity.")
class Fact:
    field: str = strawberry.field(description="The field's name.")
    value: FactValue | None = strawberry.field(description="What the source says, in the field's own unit.")
    source: str = strawberry.field(description="The source's id; `hub` is a person's word through the hub itself.")
    observed_at: datetime = strawberry.field(description="When the source says that it saw so, else when we learnt it.")
    last_seen_at: datetime = strawberry.field(description="When the source last repeated it.")
    stale: bool = strawberry.field(
        description="The source has been silent for longer than it promised, or is no longer read."
    )
    chosen: bool = strawberry.field(description="This is the value that the entity shows.")
    conflicting: list["Fact"] = strawberry.field(description="What other sources say instead, the most believed first.")


FactNames = Annotated[
    list[str] | None, strawberry.argument(description="Of these fields alone; without it, of all that are known.")
]


async def facts_of(row: Parent[Row], info: Asked, fields: FactNames = None) -> list[Fact]:
    return await facts.facts(row, info, fields)  # type: ignore[return-value]


@strawberry.type(description="A source that tells of an entity.")
class Provenance:
    source: str = strawberry.field(description="The source's id; `hub` is a person's word through the hub itself.")
    observed_at: datetime | None = strawberry.field(
        description="When the source last saw something other than before, by itself, else when we learnt it."
    )
    stale: bool = strawberry.field(
        description="The source has been silent for longer than it promised, or is no longer read."
    )


def provenance_of(row: Parent[Row], info: Asked) -> list[Provenance]:
    return facts.provenance(row, info)  # type: ignore[return-value]


FACTS = "Where the shown values come from, and what other sources say."
PROVENANCE = "The sources that tell of it; none, where it is retired or that is not shown to you."
