"""What is asked of the hazard register, of hazardous goods and of official warnings."""

from hub.graph.fragments import OWNED_BY, Computed, Condition, Kind, Many, Step

HAZARD = Kind(
    entity="Hazard",
    within="EXISTS { MATCH (HERE)-[:LOCATED_IN|THREATENS]->(:Place)-[:PART_OF*0..]->(within:Place)"
    " WHERE within.id IN $ }",
    owned=(  # where it is, or what it threatens
        "EXISTS { MATCH (HERE)-[:LOCATED_IN|THREATENS]->(:Place)-[:PART_OF*0..]->(:Place)"
        "-[:OCCUPIES|OWNED_BY]-(own:Organization) WHERE own.id IN $ }"
        " OR EXISTS { MATCH (HERE)-[:THREATENS]->(:Asset)-[:OWNED_BY]->(own:Organization) WHERE own.id IN $ }"
    ),
    inside="(:Place)<-[:LOCATED_IN|THREATENS]-(HERE:Hazard)",
    placed_by=("place", "threatened_places"),
    searched=("name",),
    conditions={
        "kind": Condition(tells=("kind",), predicate="HERE.kind IN $"),
        "score_at_least": Condition(tells=("score",), predicate="HERE.likelihood * HERE.consequence >= $"),
        "review_due_before": Condition(tells=("review_due",), predicate="HERE.review_due < $"),
    },
    orders={
        "name": "coalesce(HERE.name, '')",
        "score": "coalesce(HERE.likelihood * HERE.consequence, 0)",
        "review_due": "coalesce(HERE.review_due, '~')",
    },
    computed={
        "score": Computed(expression="HERE.likelihood * HERE.consequence", of=("likelihood", "consequence")),
    },
    steps={
        "place": Step(target="Place", many=Many.ONE, match="MATCH (HERE)-[:LOCATED_IN]->(THERE:Place)"),
        "threatened_places": Step(target="Place", match="MATCH (HERE)-[:THREATENS]->(THERE:Place)"),
        "threatened_assets": Step(target="Asset", match="MATCH (HERE)-[:THREATENS]->(THERE:Asset)"),
    },
)

GOODS = Kind(
    entity="HazardousGoods",
    within="EXISTS { MATCH (HERE)-[:LOCATED_IN]->(:Place)-[:PART_OF*0..]->(within:Place) WHERE within.id IN $ }",
    owned=OWNED_BY,
    inside="(:Place)<-[:LOCATED_IN]-(HERE:HazardousGoods)",
    placed_by=("place",),
    searched=("name",),
    conditions={
        "hazard_class": Condition(tells=("hazard_class",), predicate="HERE.hazard_class IN $"),
        "un_number": Condition(tells=("un_number",), predicate="HERE.un_number IN $"),
    },
    orders={"name": "coalesce(HERE.name, '')", "hazard_class": "coalesce(HERE.hazard_class, '')"},
    steps={
        "place": Step(target="Place", many=Many.ONE, match="MATCH (HERE)-[:LOCATED_IN]->(THERE:Place)"),
        "owner": Step(target="Organization", many=Many.ONE, match="MATCH (HERE)-[:OWNED_BY]->(THERE:Organization)"),
    },
)

WARNING = Kind(
    entity="Warning",
    within=(  # a warning for the park is one for each place in it
        "EXISTS { MATCH (HERE)-[:COVERS]->(:Place)-[:PART_OF*0..]->(within:Place) WHERE within.id IN $ }"
        " OR EXISTS { MATCH (HERE)-[:COVERS]->(:Place)<-[:PART_OF*0..]-(within:Place) WHERE within.id IN $ }"
    ),
    owned=(  # covering a place of the organization's, one around it, or a part of one
        "EXISTS { MATCH (HERE)-[:COVERS]->(:Place)-[:PART_OF*0..]->(:Place)-[:OCCUPIES|OWNED_BY]-(own:Organization)"
        " WHERE own.id IN $ }"
        " OR EXISTS { MATCH (HERE)-[:COVERS]->(:Place)<-[:PART_OF*0..]-(:Place)-[:OCCUPIES|OWNED_BY]-(own:Organization)"
        " WHERE own.id IN $ }"
    ),
    placed_by=("places",),
    searched=("event", "headline"),
    conditions={
        "severity": Condition(tells=("severity",), predicate="HERE.severity IN $"),
        "colour": Condition(tells=("colour",), predicate="HERE.colour IN $"),
        "status": Condition(tells=("status",), predicate="HERE.status IN $"),
        "in_force_at": Condition(
            tells=("sent", "status", "message_type", "expires", "ended_at"),
            predicate="coalesce(HERE.status, 'ACTUAL') = 'ACTUAL'"
            " AND coalesce(HERE.message_type, 'ALERT') IN ['ALERT', 'UPDATE']"
            " AND coalesce(HERE.sent, '') <= $ AND coalesce(HERE.expires, '~') > $"
            " AND coalesce(HERE.ended_at, '~') > $",
        ),
    },
    orders={"sent": "coalesce(HERE.sent, '')", "expires": "coalesce(HERE.expires, '~')"},
    steps={
        "places": Step(target="Place", match="MATCH (HERE)-[:COVERS]->(THERE:Place)"),
        "refers_to": Step(target="Warning", match="MATCH (HERE)-[:REFERS_TO]->(THERE:Warning)"),
        "referred_to_by": Step(target="Warning", match="MATCH (HERE)<-[:REFERS_TO]-(THERE:Warning)"),
        "alerts": Step(target="Alert", match="MATCH (HERE)<-[:PASSES_ON]-(THERE:Alert)"),
    },
)
