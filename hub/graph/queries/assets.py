"""What is asked of assets and of the alerts about them."""

from hub.graph.fragments import OWNED_BY, Condition, Group, Kind, Many, Step

ASSET = Kind(
    entity="Asset",
    within="EXISTS { MATCH (HERE)-[:LOCATED_IN]->(:Place)-[:PART_OF*0..]->(within:Place) WHERE within.id IN $ }",
    owned=OWNED_BY,
    inside="(:Place)<-[:LOCATED_IN]-(HERE:Asset)",
    placed_by=("place",),
    searched=("name",),
    conditions={
        "kind": Condition(tells=("kind",), predicate="HERE.kind IN $"),
        "online": Condition(tells=("online",), predicate="HERE.online = $"),
    },
    groups={
        "kind": Group(tells=("kind",), value="HERE.kind"),
        "online": Group(tells=("online",), value="HERE.online"),
        "place": Group(tells=("place",), match="(HERE)-[:LOCATED_IN]->(THERE:Place)", target="Place"),
        "building": Group(
            tells=("place",),
            match="(HERE)-[:LOCATED_IN]->(:Place)-[:PART_OF*0..]->(THERE:Place {kind: 'BUILDING'})",
            target="Place",
        ),
    },
    orders={"name": "coalesce(HERE.name, '')"},
    steps={
        "place": Step(target="Place", many=Many.ONE, match="MATCH (HERE)-[:LOCATED_IN]->(THERE:Place)"),
        "owner": Step(target="Organization", many=Many.ONE, match="MATCH (HERE)-[:OWNED_BY]->(THERE:Organization)"),
        "monitors_places": Step(target="Place", match="MATCH (HERE)-[:MONITORS]->(THERE:Place)"),
        "monitors_assets": Step(target="Asset", match="MATCH (HERE)-[:MONITORS]->(THERE:Asset)"),
        "monitored_by": Step(target="Asset", match="MATCH (HERE)<-[:MONITORS]-(THERE:Asset)"),
        "alerts": Step(target="Alert", match="MATCH (HERE)<-[:CONCERNS]-(THERE:Alert)"),
        "hazards": Step(target="Hazard", match="MATCH (HERE)<-[:THREATENS]-(THERE:Hazard)"),
        "recorded_by": Step(target="Asset", many=Many.ONE, match="MATCH (HERE)-[:RECORDED_BY]->(THERE:Asset)"),
        "cameras": Step(target="Asset", match="MATCH (HERE)<-[:RECORDED_BY]-(THERE:Asset)"),
        "reports_to": Step(target="Asset", many=Many.ONE, match="MATCH (HERE)-[:CONNECTED_TO]->(THERE:Asset)"),
        "detectors": Step(target="Asset", match="MATCH (HERE)<-[:CONNECTED_TO]-(THERE:Asset)"),
    },
)

ALERT = Kind(
    entity="Alert",
    within="EXISTS { MATCH (HERE)-[:AT]->(:Place)-[:PART_OF*0..]->(within:Place) WHERE within.id IN $ }",
    owned=(  # its asset, or the place that it is at
        "EXISTS { MATCH (HERE)-[:CONCERNS]->(:Asset)-[:OWNED_BY]->(own:Organization) WHERE own.id IN $ }"
        " OR EXISTS { MATCH (HERE)-[:AT]->(:Place)-[:PART_OF*0..]->(:Place)-[:OCCUPIES|OWNED_BY]-(own:Organization)"
        " WHERE own.id IN $ }"
    ),
    inside="(:Place)<-[:AT]-(HERE:Alert)",
    placed_by=("place",),
    conditions={
        "state": Condition(tells=("state",), predicate="HERE.state IN $"),
        "severity": Condition(tells=("severity",), predicate="HERE.severity IN $"),
        "opened_from": Condition(tells=("opened_at",), predicate="HERE.opened_at >= $"),
        "opened_before": Condition(tells=("opened_at",), predicate="HERE.opened_at < $"),
    },
    groups={
        "hour": Group(tells=("opened_at",), value="left(HERE.opened_at, 13) + ':00:00.000000Z'"),
        "severity": Group(tells=("severity",), value="HERE.severity"),
        "state": Group(tells=("state",), value="HERE.state"),
        "rule": Group(tells=("rule",), value="HERE.rule"),
        "place": Group(tells=("place",), match="(HERE)-[:AT]->(THERE:Place)", target="Place"),
        "building": Group(
            tells=("place",),
            match="(HERE)-[:AT]->(:Place)-[:PART_OF*0..]->(THERE:Place {kind: 'BUILDING'})",
            target="Place",
        ),
    },
    orders={"opened_at": "HERE.opened_at"},
    steps={
        "asset": Step(target="Asset", many=Many.ONE, match="MATCH (HERE)-[:CONCERNS]->(THERE:Asset)"),
        "subject_place": Step(target="Place", many=Many.ONE, match="MATCH (HERE)-[:CONCERNS]->(THERE:Place)"),
        "place": Step(target="Place", many=Many.ONE, match="MATCH (HERE)-[:AT]->(THERE:Place)"),
        "path": Step(
            target="Place", many=Many.LIST, match="MATCH path = (HERE)-[:AT]->(:Place)-[:PART_OF*0..]->(THERE:Place)"
        ),
        "warning": Step(target="Warning", many=Many.ONE, match="MATCH (HERE)-[:PASSES_ON]->(THERE:Warning)"),
    },
)
