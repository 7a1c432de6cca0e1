"""What is asked of incidents."""

from hub.graph.fragments import Condition, Kind, Step

INCIDENT = Kind(
    entity="Incident",
    within=(  # one that goes on in the park goes on in each place of it
        "EXISTS { MATCH (HERE)-[:AFFECTS]->(:Place)-[:PART_OF*0..]->(within:Place) WHERE within.id IN $ }"
        " OR EXISTS { MATCH (HERE)-[:AFFECTS]->(:Place)<-[:PART_OF*0..]-(within:Place) WHERE within.id IN $ }"
    ),
    owned=(  # in a place of the organization's, one around it, or a part of one
        "EXISTS { MATCH (HERE)-[:AFFECTS]->(:Place)-[:PART_OF*0..]->(:Place)-[:OCCUPIES|OWNED_BY]-(own:Organization)"
        " WHERE own.id IN $ }"
        " OR EXISTS { MATCH (HERE)-[:AFFECTS]->(:Place)<-[:PART_OF*0..]-(:Place)"
        "-[:OCCUPIES|OWNED_BY]-(own:Organization) WHERE own.id IN $ }"
    ),
    placed_by=("places",),
    conditions={
        "number": Condition(tells=("number",), predicate="HERE.number IN $"),
        "kind": Condition(tells=("kind",), predicate="HERE.kind IN $"),
        "state": Condition(tells=("state",), predicate="HERE.state IN $"),
        "drill": Condition(tells=("drill",), predicate="HERE.drill = $"),
        "opened_from": Condition(tells=("opened_at",), predicate="HERE.opened_at >= $"),
        "opened_before": Condition(tells=("opened_at",), predicate="HERE.opened_at < $"),
    },
    orders={"opened_at": "HERE.opened_at"},
    steps={"places": Step(target="Place", match="MATCH (HERE)-[:AFFECTS]->(THERE:Place)")},
)
