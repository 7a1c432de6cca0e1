"""Alerts: ours, each of one episode; from the graph in lists, from its event's snapshot when live."""

from datetime import datetime
from typing import Any

import strawberry

from graph_models.entities import AlarmState, Severity
from schema.enums import SubjectKind
from schema.nodes.assets import Asset
from schema.nodes.facts import PROVENANCE, Provenance, provenance_of
from schema.nodes.node import Node
from schema.nodes.places import Place
from schema.nodes.warnings import OfficialWarning
from schema.rows import Asked, is_row_of, place_path, related, subject


@strawberry.type(description="What an alert is about, as it is called.")
class AlertSubject:
    id: strawberry.ID = strawberry.field(description="Its id.")
    kind: SubjectKind | None = strawberry.field(description="What it is.")
    name: str | None = strawberry.field(description="What people call it.")


@strawberry.type(description="A place on the way up from an alert.")
class AlertPlace:
    id: strawberry.ID = strawberry.field(description="The place's id.")
    kind: SubjectKind | None = strawberry.field(description="What it is.")
    name: str | None = strawberry.field(description="What people call it.")


@strawberry.federation.type(keys=["id"], description="Our own warning of one episode at one subject.")
class Alert(Node):
    rule: str = strawberry.field(description="The rule that opened it.")
    severity: Severity = strawberry.field(description="How bad it is.")
    state: AlarmState = strawberry.field(description="Where it stands.")
    code: str = strawberry.field(description="Its message's code; words are made of it in the reader's language.")
    opened_at: datetime = strawberry.field(description="When the episode began.")
    acknowledged_at: datetime | None = strawberry.field(description="When someone acknowledged it.")
    acknowledged_by: str | None = strawberry.field(description="Who acknowledged it.")
    returned_at: datetime | None = strawberry.field(description="When the condition was over.")
    closed_at: datetime | None = strawberry.field(description="When the episode was closed.")
    quantity: str | None = strawberry.field(description="The quantity that went past its limit.")
    value: float | None = strawberry.field(description="Its value at opening, in `unit`.")
    limit: float | None = strawberry.field(description="The limit, in `unit`.")
    unit: str | None = strawberry.field(description="The unit's UCUM code.")
    retired: bool = strawberry.field(description="It was taken back; it is kept for the record.")
    subject: AlertSubject | None = strawberry.field(
        resolver=subject,
        description="What it is about; null in lists where that is a whole source, or not shown to you.",
    )
    place_path: list[AlertPlace] = strawberry.field(
        resolver=place_path, description="Where it is, the nearest place first, up to the park."
    )
    asset: Asset | None = strawberry.field(
        resolver=related,
        description="The asset that it is about. On a live event: null with GRAPH_BEHIND if the graph lags over 0.5 s.",
    )
    place: Place | None = strawberry.field(
        resolver=related,
        description="Where its subject was when it opened. On a live event: null with GRAPH_BEHIND like `asset`.",
    )
    warning: OfficialWarning | None = strawberry.field(
        resolver=related,
        description="The official warning that it passes on. On a live event: null with GRAPH_BEHIND like `asset`.",
    )
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("Alert")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")
