"""The hazard register, and hazardous goods."""

from datetime import datetime
from typing import Any

import strawberry

from schema.nodes.facts import FACTS, PROVENANCE, Fact, Provenance, facts_of, provenance_of
from schema.nodes.node import Node
from schema.nodes.people import Organization
from schema.nodes.places import Place
from schema.pages import ASSETS, PLACES, Assets, Places
from schema.rows import Asked, is_row_of, related


@strawberry.federation.type(keys=["id"], description="An entry of the hazard register.")
class Hazard(Node):
    name: str | None = strawberry.field(description="What people call it.")
    kind: str | None = strawberry.field(description="Its kind, such as `fire`, `flood`, `electrical`.")
    likelihood: int | None = strawberry.field(description="How likely it is: 1 rare to 5 almost certain.")
    consequence: int | None = strawberry.field(description="How bad it would be: 1 negligible to 5 catastrophic.")
    score: int | None = strawberry.field(
        description="Likelihood times consequence, 1 to 25; null where one of the two is missing."
    )
    controls: str | None = strawberry.field(description="What keeps it in check.")
    reviewed_at: datetime | None = strawberry.field(description="When it was last reviewed.")
    review_due: datetime | None = strawberry.field(description="When it is to be reviewed.")
    retired: bool = strawberry.field(description="No source tells of it any more.")
    place: Place | None = strawberry.field(resolver=related, description="Where it is.")
    threatened_places: Places = strawberry.field(
        resolver=PLACES.related(), description="The places that it would harm."
    )
    threatened_assets: Assets = strawberry.field(
        resolver=ASSETS.related(), description="The assets that it would harm."
    )
    facts: list[Fact] = strawberry.field(resolver=facts_of, description=FACTS)
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("Hazard")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")


@strawberry.federation.type(keys=["id"], description="What burns, explodes or poisons, and how much of it is there.")
class HazardousGoods(Node):
    name: str | None = strawberry.field(description="What people call it.")
    hazard_class: str | None = strawberry.field(
        description="Its class or division by GB 6944 and the UN model regulations."
    )
    un_number: str | None = strawberry.field(description="Its UN number, four digits.")
    amount: float | None = strawberry.field(description="How much, in `unit`.")
    unit: str | None = strawberry.field(description="The unit's UCUM code.")
    counted_at: datetime | None = strawberry.field(description="When it was counted.")
    retired: bool = strawberry.field(description="No source tells of it any more.")
    place: Place | None = strawberry.field(resolver=related, description="Where it is.")
    owner: Organization | None = strawberry.field(resolver=related, description="Whose it is.")
    facts: list[Fact] = strawberry.field(resolver=facts_of, description=FACTS)
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("HazardousGoods")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")
