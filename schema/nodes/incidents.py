"""Incidents: what is going on, by its number; from the graph in lists, from its event's snapshot when live."""

from datetime import datetime
from typing import Any

import strawberry

from graph_models.entities import IncidentKind, IncidentState
from schema.nodes.facts import PROVENANCE, Provenance, provenance_of
from schema.nodes.node import Node
from schema.pages import PLACES, Places
from schema.rows import Asked, is_row_of


@strawberry.federation.type(keys=["id"], description="What is going on in the park, or an exercise of it.")
class Incident(Node):
    number: str = strawberry.field(description="The park's own number of it, such as 2026-0001.")
    kind: IncidentKind = strawberry.field(description="What it is.")
    state: IncidentState = strawberry.field(description="Where it stands.")
    drill: bool = strawberry.field(description="An exercise: nothing has happened.")
    opened_at: datetime = strawberry.field(description="When it was opened.")
    opened_by: str | None = strawberry.field(description="Who opened it.")
    closed_at: datetime | None = strawberry.field(description="When it was closed.")
    closed_by: str | None = strawberry.field(description="Who closed it.")
    retired: bool = strawberry.field(description="It was taken back; it is kept for the record.")
    places: Places = strawberry.field(
        resolver=PLACES.related(),
        description="The places in which it goes on. On a live event: null with GRAPH_BEHIND if the graph lags.",
    )
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("Incident")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")
