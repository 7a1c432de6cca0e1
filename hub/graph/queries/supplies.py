"""What is asked of coded items and of the lots that lie in the park."""

from hub.graph.fragments import OWNED_BY, Computed, Condition, Group, Kind, Many, Step

ITEM = Kind(
    entity="SupplyItem",
    within="size($) >= 0",  # the standard's codes lie nowhere: each viewer may know them
    owned="size($) >= 0",
    placed_by=(),
    searched=("name",),
    conditions={
        "code": Condition(tells=("code",), predicate="HERE.code IN $"),
        "level": Condition(tells=("level",), predicate="HERE.level IN $"),
    },
    orders={"name": "coalesce(HERE.name, '')", "code": "HERE.code"},
    steps={
        "parent": Step(target="SupplyItem", many=Many.ONE, match="MATCH (HERE)-[:BELONGS_TO]->(THERE:SupplyItem)"),
        "children": Step(target="SupplyItem", match="MATCH (HERE)<-[:BELONGS_TO]-(THERE:SupplyItem)"),
        "lots": Step(target="SupplyLot", match="MATCH (HERE)<-[:OF_ITEM]-(THERE:SupplyLot)"),
        "lots_below": Step(
            target="SupplyLot", match="MATCH (HERE)<-[:BELONGS_TO*0..]-(:SupplyItem)<-[:OF_ITEM]-(THERE:SupplyLot)"
        ),
    },
)

LOT = Kind(
    entity="SupplyLot",
    within="EXISTS { MATCH (HERE)-[:STORED_IN]->(:Place)-[:PART_OF*0..]->(within:Place) WHERE within.id IN $ }",
    owned=OWNED_BY,
    inside="(:Place)<-[:STORED_IN]-(HERE:SupplyLot)",
    placed_by=("place",),
    searched=("name",),
    conditions={
        "item_code": Condition(tells=("item_code",), predicate="HERE.item_code IN $"),
        "mapped": Condition(tells=("item_code",), predicate="(HERE.item_code IS NOT NULL) = $"),
        "terms": Condition(tells=("sharing",), predicate="coalesce(HERE.sharing, 'NOT_SHARED') IN $"),
        "expires_before": Condition(tells=("expires_at",), predicate="HERE.expires_at < $"),
        "holder": Condition(
            tells=("holder",),
            through=("Organization",),
            predicate="EXISTS { MATCH (HERE)-[:OWNED_BY]->(holder:Organization) WHERE holder.id IN $ }",
            ids=True,
        ),
    },
    groups={
        "item_code": Group(tells=("item_code",), value="HERE.item_code"),
        "terms": Group(tells=("sharing",), value="coalesce(HERE.sharing, 'NOT_SHARED')"),
        "holder": Group(tells=("holder",), match="(HERE)-[:OWNED_BY]->(THERE:Organization)", target="Organization"),
        "place": Group(tells=("place",), match="(HERE)-[:STORED_IN]->(THERE:Place)", target="Place"),
        "building": Group(
            tells=("place",),
            match="(HERE)-[:STORED_IN]->(:Place)-[:PART_OF*0..]->(THERE:Place {kind: 'BUILDING'})",
            target="Place",
        ),
    },
    orders={"name": "coalesce(HERE.name, '')", "expires_at": "coalesce(HERE.expires_at, '~')"},
    computed={"terms": Computed(expression="coalesce(HERE.sharing, 'NOT_SHARED')", of=("sharing",))},
    steps={
        "item": Step(target="SupplyItem", many=Many.ONE, match="MATCH (HERE)-[:OF_ITEM]->(THERE:SupplyItem)"),
        "holder": Step(target="Organization", many=Many.ONE, match="MATCH (HERE)-[:OWNED_BY]->(THERE:Organization)"),
        "place": Step(target="Place", many=Many.ONE, match="MATCH (HERE)-[:STORED_IN]->(THERE:Place)"),
    },
)
