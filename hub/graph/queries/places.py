"""What is asked of places and of the routes between them."""

from hub.graph.fragments import PLACE_OWNED, Condition, Kind, Many, Step

PLACE = Kind(
    entity="Place",
    within="EXISTS { MATCH (HERE)-[:PART_OF*0..]->(within:Place) WHERE within.id IN $ }",
    owned=PLACE_OWNED,
    inside="(HERE:Place)",
    placed_by=("part_of",),
    searched=("name",),
    conditions={"kind": Condition(tells=("kind",), predicate="HERE.kind IN $")},
    orders={
        "name": "coalesce(HERE.name, '')",
        "code": "coalesce(HERE.code, '')",
        "level": "coalesce(HERE.level, -2147483648)",
    },
    steps={
        "part_of": Step(target="Place", many=Many.ONE, match="MATCH (HERE)-[:PART_OF]->(THERE:Place)"),
        "path": Step(target="Place", many=Many.LIST, match="MATCH path = (HERE)-[:PART_OF*1..]->(THERE:Place)"),
        "parts": Step(target="Place", match="MATCH (HERE)<-[:PART_OF]-(THERE:Place)"),
        "adjacent": Step(target="Place", match="MATCH (HERE)-[:ADJACENT_TO]-(THERE:Place)"),
        "routes": Step(target="Route", match="MATCH (HERE)<-[:CONNECTS]-(THERE:Route)"),
        "owner": Step(target="Organization", many=Many.ONE, match="MATCH (HERE)-[:OWNED_BY]->(THERE:Organization)"),
        "assets": Step(target="Asset", match="MATCH (HERE)<-[:LOCATED_IN]-(THERE:Asset)"),
        "assets_below": Step(
            target="Asset", match="MATCH (HERE)<-[:PART_OF*0..]-(:Place)<-[:LOCATED_IN]-(THERE:Asset)"
        ),
        "monitored_by": Step(target="Asset", match="MATCH (HERE)<-[:MONITORS]-(THERE:Asset)"),
        "alerts": Step(target="Alert", match="MATCH (HERE)<-[:PART_OF*0..]-(:Place)<-[:AT]-(THERE:Alert)"),
        "lots": Step(target="SupplyLot", match="MATCH (HERE)<-[:STORED_IN]-(THERE:SupplyLot)"),
        "lots_below": Step(
            target="SupplyLot", match="MATCH (HERE)<-[:PART_OF*0..]-(:Place)<-[:STORED_IN]-(THERE:SupplyLot)"
        ),
        "goods": Step(target="HazardousGoods", match="MATCH (HERE)<-[:LOCATED_IN]-(THERE:HazardousGoods)"),
        "goods_below": Step(
            target="HazardousGoods",
            match="MATCH (HERE)<-[:PART_OF*0..]-(:Place)<-[:LOCATED_IN]-(THERE:HazardousGoods)",
        ),
        "hazards": Step(target="Hazard", match="MATCH (HERE)<-[:LOCATED_IN|THREATENS]-(THERE:Hazard)"),
        "hazards_below": Step(
            target="Hazard", match="MATCH (HERE)<-[:PART_OF*0..]-(:Place)<-[:LOCATED_IN|THREATENS]-(THERE:Hazard)"
        ),
        "warnings": Step(
            target="Warning",
            match="MATCH (HERE)-[:PART_OF*0..]->(:Place)<-[:COVERS]-(THERE:Warning)",
            at="in_force_at",
        ),
        "people_on_duty": Step(
            target="Shift",
            match="MATCH (HERE)<-[:PART_OF*0..]-(:Place)<-[:POSTED_AT]-(THERE:Shift)",
            at="on_duty_at",
        ),
        "occupants": Step(target="Organization", match="MATCH (HERE)<-[:OCCUPIES]-(THERE:Organization)"),
        "occupants_below": Step(
            target="Organization", match="MATCH (HERE)<-[:PART_OF*0..]-(:Place)<-[:OCCUPIES]-(THERE:Organization)"
        ),
    },
)

ROUTE = Kind(
    entity="Route",
    within="EXISTS { MATCH (HERE)-[:CONNECTS]->(:Place)-[:PART_OF*0..]->(within:Place) WHERE within.id IN $ }",
    owned=(
        "EXISTS { MATCH (HERE)-[:CONNECTS]->(:Place)-[:PART_OF*0..]->(:Place)-[:OCCUPIES|OWNED_BY]-(own:Organization)"
        " WHERE own.id IN $ }"
    ),
    inside="(:Place)<-[:CONNECTS]-(HERE:Route)",
    placed_by=("places",),
    conditions={"blocked": Condition(tells=("blocked",), predicate="coalesce(HERE.blocked, false) = $")},
    orders={"name": "coalesce(HERE.name, '')"},
    steps={"places": Step(target="Place", match="MATCH (HERE)-[:CONNECTS]->(THERE:Place)")},
)
