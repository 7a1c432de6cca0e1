"""Organizations, their people, what these can do and when they are on duty."""

from datetime import datetime
from typing import Any

import strawberry

from graph_models.entities import OrganizationKind
from schema.nodes.facts import FACTS, PROVENANCE, Fact, Provenance, facts_of, provenance_of
from schema.nodes.node import Node
from schema.nodes.places import Place
from schema.pages import (
    AGREEMENTS,
    ASSETS,
    GOODS,
    LOTS,
    PEOPLE,
    PLACES,
    QUALIFICATIONS,
    SHIFTS,
    Agreements,
    Assets,
    Goods,
    Lots,
    People,
    Places,
    Qualifications,
    Shifts,
)
from schema.rows import Asked, is_row_of, related


@strawberry.federation.type(keys=["id"], description="A company, an authority or the park's operator.")
class Organization(Node):
    kind: OrganizationKind | None = strawberry.field(description="What it is to the park.")
    name: str | None = strawberry.field(description="What it is called.")
    unified_social_credit_code: str | None = strawberry.field(description="Its code after GB 32100, 18 characters.")
    address: str | None = strawberry.field(description="Its address.")
    telephone: str | None = strawberry.field(description="Its own line, nobody's personal number.")
    retired: bool = strawberry.field(description="No source tells of it any more.")
    places: Places = strawberry.field(resolver=PLACES.related(), description="Where it works.")
    jurisdiction: Places = strawberry.field(
        resolver=PLACES.related(), description="An authority's: the places that it looks after, with all in them."
    )
    agreements_given: Agreements = strawberry.field(
        resolver=AGREEMENTS.related(), description="By which it shows others what is its own."
    )
    agreements_received: Agreements = strawberry.field(
        resolver=AGREEMENTS.related(), description="By which it sees what is others'."
    )
    people: People = strawberry.field(resolver=PEOPLE.related(), description="Whom it employs.")
    lots: Lots = strawberry.field(resolver=LOTS.related(), description="The lots that it holds.")
    goods: Goods = strawberry.field(resolver=GOODS.related(), description="The hazardous goods that it owns.")
    assets: Assets = strawberry.field(resolver=ASSETS.related(), description="The assets that it owns.")
    facts: list[Fact] = strawberry.field(resolver=facts_of, description=FACTS)
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("Organization")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")


@strawberry.federation.type(keys=["id"], description="Someone with a role in the park.")
class Person(Node):
    name: str | None = strawberry.field(description="Their name.")
    phone: str | None = strawberry.field(description="Their number.")
    roles: list[str] | None = strawberry.field(description="What the park calls them, such as 值班员.")
    retired: bool = strawberry.field(description="No source tells of it any more.")
    employer: Organization | None = strawberry.field(resolver=related, description="Who employs them.")
    qualifications: Qualifications = strawberry.field(
        resolver=QUALIFICATIONS.related(), description="What they can do."
    )
    shifts: Shifts = strawberry.field(resolver=SHIFTS.related(), description="When and where they are on duty.")
    facts: list[Fact] = strawberry.field(resolver=facts_of, description=FACTS)
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("Person")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")


@strawberry.federation.type(
    keys=["id"], description="A skill of a person, with the certificate that proves it where there is one."
)
class Qualification(Node):
    skill: str = strawberry.field(description="The skill's code in the park's own list, such as `first_aid`.")
    name: str | None = strawberry.field(description="What people call it.")
    certificate: str | None = strawberry.field(description="The certificate's number.")
    issuer: str | None = strawberry.field(description="Who issued it.")
    issued_at: datetime | None = strawberry.field(description="When it was issued.")
    expires_at: datetime | None = strawberry.field(description="When it expires; none: never.")
    retired: bool = strawberry.field(description="No source tells of it any more.")
    person: Person | None = strawberry.field(resolver=related, description="Whose skill it is.")
    facts: list[Fact] = strawberry.field(resolver=facts_of, description=FACTS)
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("Qualification")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")


@strawberry.federation.type(keys=["id"], description="A time that a person is on duty, from the duty roster.")
class Shift(Node):
    role: str | None = strawberry.field(description="As what.")
    starts_at: datetime = strawberry.field(description="Its first moment.")
    ends_at: datetime = strawberry.field(description="The first moment after it.")
    retired: bool = strawberry.field(description="No source tells of it any more.")
    person: Person | None = strawberry.field(resolver=related, description="Who is on duty.")
    place: Place | None = strawberry.field(resolver=related, description="Where the duty is served.")
    facts: list[Fact] = strawberry.field(resolver=facts_of, description=FACTS)
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("Shift")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")
