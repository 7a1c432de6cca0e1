"""What is asked of organizations, what they agreed to share, and their people: what they can do, when they serve."""

from hub.graph.fragments import Condition, Kind, Many, Step

ORGANIZATION = Kind(
    entity="Organization",
    within="EXISTS { MATCH (HERE)-[:OCCUPIES]->(:Place)-[:PART_OF*0..]->(within:Place) WHERE within.id IN $ }",
    owned="HERE.id IN $",
    inside="(:Place)<-[:OCCUPIES]-(HERE:Organization)",
    placed_by=("places",),
    searched=("name",),
    conditions={"kind": Condition(tells=("kind",), predicate="HERE.kind IN $")},
    orders={"name": "coalesce(HERE.name, '')"},
    steps={
        "places": Step(target="Place", match="MATCH (HERE)-[:OCCUPIES]->(THERE:Place)"),
        "jurisdiction": Step(target="Place", match="MATCH (HERE)-[:HAS_JURISDICTION_OVER]->(THERE:Place)"),
        "agreements_given": Step(
            target="SharingAgreement", match="MATCH (HERE)<-[:SHARED_BY]-(THERE:SharingAgreement)"
        ),
        "agreements_received": Step(
            target="SharingAgreement", match="MATCH (HERE)<-[:SHARED_WITH]-(THERE:SharingAgreement)"
        ),
        "people": Step(target="Person", match="MATCH (HERE)<-[:EMPLOYED_BY]-(THERE:Person)"),
        "lots": Step(target="SupplyLot", match="MATCH (HERE)<-[:OWNED_BY]-(THERE:SupplyLot)"),
        "goods": Step(target="HazardousGoods", match="MATCH (HERE)<-[:OWNED_BY]-(THERE:HazardousGoods)"),
        "assets": Step(target="Asset", match="MATCH (HERE)<-[:OWNED_BY]-(THERE:Asset)"),
    },
)

AGREEMENT = Kind(
    entity="SharingAgreement",
    within=(
        "EXISTS { MATCH (HERE)-[:SHARED_BY|SHARED_WITH]->(:Organization)-[:OCCUPIES]->(:Place)"
        "-[:PART_OF*0..]->(within:Place) WHERE within.id IN $ }"
    ),
    owned="EXISTS { MATCH (HERE)-[:SHARED_BY|SHARED_WITH]->(own:Organization) WHERE own.id IN $ }",
    placed_by=("provider", "recipient"),
    conditions={
        "type": Condition(tells=("types",), predicate="any(type IN coalesce(HERE.types, []) WHERE type IN $)"),
        "purpose": Condition(
            tells=("purposes",), predicate="any(purpose IN coalesce(HERE.purposes, []) WHERE purpose IN $)"
        ),
        "holds_at": Condition(
            tells=("starts_at", "ends_at"), predicate="HERE.starts_at <= $ AND coalesce(HERE.ends_at, '~') > $"
        ),
    },
    orders={"code": "HERE.code", "starts_at": "HERE.starts_at"},
    steps={
        "provider": Step(target="Organization", many=Many.ONE, match="MATCH (HERE)-[:SHARED_BY]->(THERE:Organization)"),
        "recipient": Step(
            target="Organization", many=Many.ONE, match="MATCH (HERE)-[:SHARED_WITH]->(THERE:Organization)"
        ),
    },
)

PERSON = Kind(
    entity="Person",
    within=(
        "EXISTS { MATCH (HERE)<-[:SERVED_BY]-(:Shift)-[:POSTED_AT]->(:Place)-[:PART_OF*0..]->(within:Place)"
        " WHERE within.id IN $ }"
        " OR EXISTS { MATCH (HERE)-[:EMPLOYED_BY]->(:Organization)-[:OCCUPIES]->(:Place)-[:PART_OF*0..]->(within:Place)"
        " WHERE within.id IN $ }"
    ),
    owned="EXISTS { MATCH (HERE)-[:EMPLOYED_BY]->(own:Organization) WHERE own.id IN $ }",
    personal="HERE.id IN $",
    placed_by=("shifts", "employer"),
    searched=("name",),
    conditions={
        "role": Condition(tells=("roles",), predicate="any(role IN coalesce(HERE.roles, []) WHERE role IN $)"),
        "skill": Condition(
            tells=("qualifications",),
            through=("Qualification",),
            predicate="EXISTS { MATCH (HERE)<-[:HELD_BY]-(held:Qualification)"
            " WHERE held.skill IN $ AND coalesce(held.retired, false) = false }",
        ),
        "employer": Condition(
            tells=("employer",),
            through=("Organization",),
            predicate="EXISTS { MATCH (HERE)-[:EMPLOYED_BY]->(employer:Organization) WHERE employer.id IN $ }",
            ids=True,
        ),
        "on_duty_at": Condition(
            tells=("shifts",),
            through=("Shift",),
            predicate="EXISTS { MATCH (HERE)<-[:SERVED_BY]-(duty:Shift) WHERE duty.starts_at <= $ AND duty.ends_at > $"
            " AND coalesce(duty.retired, false) = false }",
        ),
    },
    orders={"name": "coalesce(HERE.name, '')"},
    steps={
        "employer": Step(
            target="Organization", many=Many.ONE, match="MATCH (HERE)-[:EMPLOYED_BY]->(THERE:Organization)"
        ),
        "qualifications": Step(target="Qualification", match="MATCH (HERE)<-[:HELD_BY]-(THERE:Qualification)"),
        "shifts": Step(target="Shift", match="MATCH (HERE)<-[:SERVED_BY]-(THERE:Shift)"),
    },
)

QUALIFICATION = Kind(
    entity="Qualification",
    within=(
        "EXISTS { MATCH (HERE)-[:HELD_BY]->(:Person)<-[:SERVED_BY]-(:Shift)-[:POSTED_AT]->(:Place)"
        "-[:PART_OF*0..]->(within:Place) WHERE within.id IN $ }"
        " OR EXISTS { MATCH (HERE)-[:HELD_BY]->(:Person)-[:EMPLOYED_BY]->(:Organization)-[:OCCUPIES]->(:Place)"
        "-[:PART_OF*0..]->(within:Place) WHERE within.id IN $ }"
    ),
    owned="EXISTS { MATCH (HERE)-[:HELD_BY]->(:Person)-[:EMPLOYED_BY]->(own:Organization) WHERE own.id IN $ }",
    personal="EXISTS { MATCH (HERE)-[:HELD_BY]->(one:Person) WHERE one.id IN $ }",
    placed_by=("person",),
    searched=("name",),
    conditions={
        "skill": Condition(tells=("skill",), predicate="HERE.skill IN $"),
        "expires_before": Condition(tells=("expires_at",), predicate="HERE.expires_at < $"),
    },
    orders={"skill": "HERE.skill", "expires_at": "coalesce(HERE.expires_at, '~')"},
    steps={"person": Step(target="Person", many=Many.ONE, match="MATCH (HERE)-[:HELD_BY]->(THERE:Person)")},
)

SHIFT = Kind(
    entity="Shift",
    within="EXISTS { MATCH (HERE)-[:POSTED_AT]->(:Place)-[:PART_OF*0..]->(within:Place) WHERE within.id IN $ }",
    owned="EXISTS { MATCH (HERE)-[:SERVED_BY]->(:Person)-[:EMPLOYED_BY]->(own:Organization) WHERE own.id IN $ }",
    personal="EXISTS { MATCH (HERE)-[:SERVED_BY]->(one:Person) WHERE one.id IN $ }",
    inside="(:Place)<-[:POSTED_AT]-(HERE:Shift)",
    placed_by=("place",),
    conditions={
        "role": Condition(tells=("role",), predicate="HERE.role IN $"),
        "on_duty_at": Condition(tells=("starts_at", "ends_at"), predicate="HERE.starts_at <= $ AND HERE.ends_at > $"),
        "ends_after": Condition(tells=("ends_at",), predicate="HERE.ends_at > $"),
        "starts_before": Condition(tells=("starts_at",), predicate="HERE.starts_at < $"),
    },
    orders={"starts_at": "HERE.starts_at"},
    steps={
        "person": Step(target="Person", many=Many.ONE, match="MATCH (HERE)-[:SERVED_BY]->(THERE:Person)"),
        "place": Step(target="Place", many=Many.ONE, match="MATCH (HERE)-[:POSTED_AT]->(THERE:Place)"),
    },
)
