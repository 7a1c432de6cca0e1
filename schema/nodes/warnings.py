"""Official warnings, as their issuers sent them."""

from datetime import datetime
from typing import Any

import strawberry

from graph_models.entities import Certainty, MessageType, Severity, Urgency, WarningColour, WarningStatus
from schema.nodes.facts import FACTS, PROVENANCE, Fact, Provenance, facts_of, provenance_of
from schema.nodes.node import Node
from schema.pages import ALERTS, PLACES, WARNINGS, Alerts, Places, Warnings
from schema.rows import Asked, is_row_of


@strawberry.federation.type(
    keys=["id"], name="Warning", description="An official warning, unchanged: issuer, time and colour are the issuer's."
)
class OfficialWarning(Node):
    identifier: str = strawberry.field(description="The issuer's own identifier.")
    sender: str | None = strawberry.field(description="The issuer's address, as the message has it.")
    sender_name: str | None = strawberry.field(description="What the issuer is called.")
    sent: datetime | None = strawberry.field(description="When the issuer sent it.")
    status: WarningStatus | None = strawberry.field(
        description="What the message is for; ACTUAL alone is to be acted upon."
    )
    message_type: MessageType | None = strawberry.field(description="What the message does.")
    event: str | None = strawberry.field(description="What it warns of.")
    category: str | None = strawberry.field(description="CAP's category, such as Met.")
    severity: Severity | None = strawberry.field(description="How bad it is.")
    urgency: Urgency | None = strawberry.field(description="How soon to act.")
    certainty: Certainty | None = strawberry.field(description="How sure it is.")
    colour: WarningColour | None = strawberry.field(description="Its colour, where the issuer gives one.")
    headline: str | None = strawberry.field(description="It in a sentence.")
    description: str | None = strawberry.field(description="The whole text.")
    instruction: str | None = strawberry.field(description="What to do.")
    language: str | None = strawberry.field(description="The language of its texts, BCP 47.")
    effective: datetime | None = strawberry.field(description="From when the message holds.")
    onset: datetime | None = strawberry.field(description="When it is expected to begin.")
    expires: datetime | None = strawberry.field(description="When the message no longer holds.")
    ended_at: datetime | None = strawberry.field(description="When a later message updated or cancelled it.")
    area_description: str | None = strawberry.field(description="The area, in the issuer's words.")
    areas: str | None = strawberry.field(description="The area as JSON: `polygons`, `circles` and `geocodes`, WGS-84.")
    magnitude: float | None = strawberry.field(description="An earthquake's magnitude.")
    depth: float | None = strawberry.field(description="An earthquake's depth in kilometres.")
    flags: list[str] | None = strawberry.field(description="What was wrong with the message and borne with.")
    acknowledged_at: datetime | None = strawberry.field(description="When someone of the park acknowledged it.")
    acknowledged_by: str | None = strawberry.field(description="Who acknowledged it.")
    retired: bool = strawberry.field(description="No source tells of it any more.")
    places: Places = strawberry.field(resolver=PLACES.related(), description="The places of the park that it is for.")
    refers_to: Warnings = strawberry.field(
        resolver=WARNINGS.related(), description="Earlier messages that it updates or cancels."
    )
    referred_to_by: Warnings = strawberry.field(
        resolver=WARNINGS.related(), description="Later messages that update or cancel it."
    )
    alerts: Alerts = strawberry.field(resolver=ALERTS.related(), description="Our alerts that pass it on.")
    facts: list[Fact] = strawberry.field(resolver=facts_of, description=FACTS)
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("Warning")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")
