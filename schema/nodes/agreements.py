"""Sharing agreements: what an organization shows another, for which purposes and how long."""

from datetime import datetime
from typing import Any

import strawberry

from schema.nodes.facts import FACTS, PROVENANCE, Fact, Provenance, facts_of, provenance_of
from schema.nodes.node import Node
from schema.nodes.people import Organization
from schema.rows import Asked, is_row_of, related


@strawberry.federation.type(keys=["id"], description="What an organization agreed to show another of its own.")
class SharingAgreement(Node):
    code: str = strawberry.field(description="What the parties call it.")
    types: list[str] = strawberry.field(description="The kinds of rows that it shows, such as `SupplyLot`.")
    purposes: list[str] = strawberry.field(description="What they may be looked at for.")
    starts_at: datetime = strawberry.field(description="From when it holds.")
    ends_at: datetime | None = strawberry.field(
        description="The first moment after it; null: it holds until it is taken back."
    )
    retired: bool = strawberry.field(description="No source tells of it any more.")
    provider: Organization | None = strawberry.field(resolver=related, description="Whose rows it shows.")
    recipient: Organization | None = strawberry.field(resolver=related, description="Who sees them under it.")
    facts: list[Fact] = strawberry.field(resolver=facts_of, description=FACTS)
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("SharingAgreement")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")
