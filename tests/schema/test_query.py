"""What a client reads: places, assets, alerts, readings, facts and sources, by documents as people write them."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from adapters.contract import Claim, Identifier
from hub.clock import to_micros
from hub.errors import CausewayError, Code
from hub.journal.records import ReadingRow
from hub.viewer import EVERYTHING, Grant, Scope, Visibility
from tests.schema.conftest import Run
from tests.schema.hub import START, Hub


def within(hub: Hub, place: str) -> Scope:
    return Scope(name="within_places", parameters=MappingProxyType({"places": (hub.ids[place],)}))


def code(result: Any) -> Code:
    (error,) = result.errors
    assert isinstance(error.original_error, CausewayError)
    return error.original_error.code


def test_one_query_on_a_building_tells_what_stands_in_it_and_what_it_measures(hub: Hub, run: Run) -> None:
    found = run(
        hub.ask(
            """query ($id: ID!) { place(id: $id) {
                 __typename name kind retired partOf { name } path { name }
                 assets(orderBy: NAME) { totalCount nodes {
                   name kind serialNumber place { name partOf { name } }
                   sensor { quantities latest { quantity value unit at quality stale source }
                            readings(quantity: "temperature", first: 2) { value } } } } } }""",
            id=hub.ids["east"],
        )
    )["place"]
    assert (found["name"], found["kind"], found["partOf"], found["path"]) == (
        "East",
        "BUILDING",
        {"name": "Park"},
        [{"name": "Park"}],
    )
    boiler, cabinet = found["assets"]["nodes"]
    assert found["assets"]["totalCount"] == 2
    assert (boiler["name"], boiler["place"]) == ("Boiler", {"name": "East", "partOf": {"name": "Park"}})
    assert boiler["sensor"] == {
        "quantities": ["temperature"],
        "latest": [
            {
                "quantity": "temperature",
                "value": 24.0,
                "unit": "Cel",
                "at": "2026-03-01T08:04:00.000000Z",
                "quality": "GOOD",
                "stale": False,
                "source": "cabinets",
            }
        ],
        "readings": [{"value": 24.0}, {"value": 23.0}],
    }
    assert cabinet["sensor"]["latest"] == []


def test_aliases_fragments_and_directives_each_keep_their_own_arguments(hub: Hub, run: Run) -> None:
    found = run(
        hub.ask(
            """query ($id: ID!, $no: Boolean!, $few: Int = 1) {
                 node(id: $id) {
                   id ... on Place { ...Both name: assets(below: true) { totalCount } } ... on Asset { model }
                 }
               }
               fragment Both on Place {
                 one: assets(below: true, first: $few, orderBy: NAME) { nodes { title: name } }
                 one: assets(below: true, first: $few, orderBy: NAME) {
                   nodes { kind } pageInfo { hasNextPage endCursor }
                 }
                 last: assets(below: true, orderBy: NAME_DESC, first: 1) { edges { cursor node { name } } }
                 direct: assets { totalCount }
                 gone: assets @skip(if: true) { totalCount }
                 code @include(if: $no)
               }""",
            id=hub.ids["park"],
            no=False,
        )
    )["node"]
    assert found["one"]["nodes"] == [{"title": "Boiler", "kind": "SENSOR"}]
    assert found["one"]["pageInfo"]["hasNextPage"] is True
    assert found["last"]["edges"][0]["node"] == {"name": "Door"}
    assert (found["direct"]["totalCount"], found["name"]["totalCount"]) == (0, 3)
    assert "gone" not in found and "code" not in found


def test_pages_follow_by_cursor(hub: Hub, run: Run) -> None:
    document = """query ($after: String) { assets(first: 2, after: $after, orderBy: NAME_DESC) {
                    nodes { name } pageInfo { hasNextPage hasPreviousPage endCursor } } }"""
    first = run(hub.ask(document))["assets"]
    second = run(hub.ask(document, after=first["pageInfo"]["endCursor"]))["assets"]
    assert [row["name"] for row in first["nodes"] + second["nodes"]] == ["Door", "Cabinet", "Boiler"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert (first["pageInfo"]["hasPreviousPage"], second["pageInfo"]["hasPreviousPage"]) == (False, True)
    for wrong in ("", "x", "W10", first["pageInfo"]["endCursor"][:-3], "äö"):
        assert code(run(hub.execute(document, after=wrong))) is Code.BAD_REQUEST
    by_id = "query ($after: String) { assets(after: $after) { totalCount } }"
    assert code(run(hub.execute(by_id, after=first["pageInfo"]["endCursor"]))) is Code.BAD_REQUEST


def test_what_asks_for_too_much_or_nonsense_is_told_so(hub: Hub, run: Run) -> None:
    assert code(run(hub.execute("{ assets(first: 501) { totalCount } }"))) is Code.BAD_REQUEST
    assert code(run(hub.execute("{ assets(first: -1) { totalCount } }"))) is Code.BAD_REQUEST
    sensor = "query ($id: ID!) { asset(id: $id) { sensor { readings(first: 1001) { value } } } }"
    assert code(run(hub.execute(sensor, id=hub.ids["boiler"]))) is Code.BAD_REQUEST
    facts = 'query ($id: ID!) { asset(id: $id) { facts(fields: ["phone"]) { value } } }'
    assert code(run(hub.execute(facts, id=hub.ids["boiler"]))) is Code.BAD_REQUEST


def test_filters_and_search_find_what_they_name(hub: Hub, run: Run) -> None:
    document = "query ($filter: AssetFilter) { assets(filter: $filter, orderBy: NAME) { totalCount nodes { name } } }"

    def found(**given: Any) -> list[str]:
        page = run(hub.ask(document, filter=given))["assets"]
        assert page["totalCount"] == len(page["nodes"])
        return [row["name"] for row in page["nodes"]]

    assert found(within=hub.ids["east"]) == ["Boiler", "Cabinet"]
    assert found(within=hub.ids["park"], kind=["SENSOR"]) == ["Boiler", "Cabinet", "Door"]
    assert found(kind=["CAMERA"]) == []
    assert found(ids=[hub.ids["door"]]) == ["Door"]
    assert found(search="BOI") == ["Boiler"]
    assert found(search="??") == []


def test_a_fact_names_its_source_and_who_says_otherwise(hub: Hub, run: Run) -> None:
    assert hub.ids["boiler"] == hub.ids["kessel"]
    found = run(
        hub.ask(
            """query ($id: ID!) { asset(id: $id) { name model
                 facts(fields: ["model", "serialNumber", "firmware"]) {
                   field value source observedAt stale chosen conflicting { value source stale chosen } } } }""",
            id=hub.ids["boiler"],
        )
    )["asset"]
    model, serial = found["facts"]
    assert found["model"] == model["value"]
    assert model == {
        "field": "model",
        "value": "B-1",
        "source": "cabinets",
        "observedAt": "2026-03-01T08:00:00.000000Z",
        "stale": False,
        "chosen": True,
        "conflicting": [{"value": "B-2", "source": "survey", "stale": True, "chosen": False}],
    }
    assert (serial["value"], serial["conflicting"]) == ("SN-boiler", [])


def test_facts_and_readings_hold_to_the_mask(hub: Hub, run: Run) -> None:
    mask = (
        Grant(scope=EVERYTHING, fields={"Asset.serial_number": Visibility.HIDE, "Asset.latest": Visibility.HIDE}),
        Grant(scope=within(hub, "west")),
    )
    document = """query ($id: ID!) { asset(id: $id) {
                    serialNumber facts(fields: ["serialNumber"]) { value } sensor { latest { value } } } }"""
    result = run(hub.execute(document, mask=mask, id=hub.ids["boiler"]))
    assert code(result) is Code.FORBIDDEN
    assert result.data["asset"] == {"serialNumber": None, "facts": [], "sensor": None}
    west = run(hub.ask(document, mask=mask, id=hub.ids["door"]))["asset"]
    assert west == {"serialNumber": "SN-door", "facts": [{"value": "SN-door"}], "sensor": {"latest": []}}


def test_a_mask_holds_on_queries_nodes_and_references_alike(hub: Hub, run: Run) -> None:
    mask = (Grant(scope=within(hub, "west")),)
    ids = [hub.ids["boiler"], hub.ids["door"]]
    found = run(
        hub.ask(
            """query ($a: ID!, $b: ID!, $both: [_Any!]!) {
                 asset(id: $a) { name } node(id: $a) { id } other: node(id: $b) { id }
                 assets { totalCount } _entities(representations: $both) { ... on Asset { name } } }""",
            mask=mask,
            a=ids[0],
            b=ids[1],
            both=[{"__typename": "Asset", "id": id_} for id_ in ids],
        )
    )
    assert found == {
        "asset": None,
        "node": None,
        "other": {"id": ids[1]},
        "assets": {"totalCount": 1},
        "_entities": [None, {"name": "Door"}],
    }
    hidden = (Grant(scope=EVERYTHING, fields={"Asset.kind": Visibility.HIDE}),)
    assert code(run(hub.execute("{ assets { nodes { kind } } }", mask=hidden))) is Code.FORBIDDEN
    assert code(run(hub.execute("{ assets(filter: {kind: [SENSOR]}) { totalCount } }", mask=hidden))) is Code.FORBIDDEN


def test_references_are_resolved_together_and_nothing_is_taken_on_trust(hub: Hub, run: Run) -> None:
    document = """query ($them: [_Any!]!) { _entities(representations: $them) {
                    __typename ... on Place { id name } ... on Asset { id name place { name } } } }"""
    them = [
        {"__typename": "Asset", "id": hub.ids["door"], "name": "forged"},
        {"__typename": "Place", "id": hub.ids["park"]},
        {"__typename": "Asset", "id": "nothing"},
        {"__typename": "Asset", "id": hub.ids["door"]},
        {"__typename": "Place", "id": hub.ids["door"]},
    ]
    door = {"__typename": "Asset", "id": hub.ids["door"], "name": "Door", "place": {"name": "West"}}
    park = {"__typename": "Place", "id": hub.ids["park"], "name": "Park"}
    assert run(hub.ask(document, them=them))["_entities"] == [door, park, None, door, None]
    wrong = [{}, {"__typename": "Asset"}, {"__typename": "Source", "id": "x"}, {"id": "x"}, "x", [], 7]
    told = run(hub.ask(document, them=[*wrong, them[0]]))["_entities"]
    assert told == [*(None for _ in wrong), door]
    many = [{"__typename": "Asset", "id": str(number)} for number in range(501)]
    assert code(run(hub.execute(document, them=many))) is Code.BAD_REQUEST


def test_each_source_tells_how_it_fares(hub: Hub, run: Run) -> None:
    cabinets, survey = run(hub.ask("{ sources { id state stale text lagSeconds lastBatchAt deadLetters } }"))["sources"]
    assert (cabinets["state"], cabinets["stale"], cabinets["deadLetters"]) == ("OK", False, 3)
    assert (survey["state"], survey["stale"], survey["text"]) == ("UNAVAILABLE", True, "nothing since 08:00")


def test_many_reads_of_one_request_leave_the_graph_to_others(hub: Hub, run: Run) -> None:
    """Fifty aliases wait for one another; who comes after them does not wait for all."""

    class Counted:
        def __init__(self) -> None:
            self.now = self.most = 0

        async def read(self, statement: str, parameters: Mapping[str, object]) -> list[dict[str, object]]:
            self.now += 1
            self.most = max(self.most, self.now)
            try:
                return await hub.store.read(statement, parameters)
            finally:
                self.now -= 1

    store = Counted()
    aliases = " ".join(f"a{number}: places {{ totalCount }}" for number in range(50))
    result = run(hub.execute(f"{{ {aliases} }}", services={"store": store}))
    assert not result.errors
    counts = [each["totalCount"] for each in result.data.values()]
    assert counts == [counts[0]] * 50 and counts[0] >= 3
    assert 1 < store.most <= 4


def test_the_graph_is_asked_for_a_node_as_what_the_log_knows_it_to_be(hub: Hub, run: Run) -> None:
    """One kind a node: an engine plans a statement over all of them for seconds."""
    read: list[str] = []

    class Read:
        async def read(self, statement: str, parameters: Mapping[str, object]) -> list[dict[str, object]]:
            read.append(statement)
            return await hub.store.read(statement, parameters)

    document = "query ($a: ID!, $b: ID!) { one: node(id: $a) { id } other: node(id: $b) { __typename id } }"
    door, east = hub.ids["door"], hub.ids["east"]
    result = run(hub.execute(document, services={"store": Read()}, a=door, b=east))
    assert result.data == {"one": {"id": door}, "other": {"__typename": "Place", "id": east}} and len(read) == 2
    read.clear()
    only_places = (Grant(scope=EVERYTHING, types=frozenset({"Place"})),)
    result = run(hub.execute(document, mask=only_places, services={"store": Read()}, a=door, b="nothing"))
    assert result.data == {"one": None, "other": None} and read == []


def test_a_quantity_whose_unit_the_park_changed_has_one_latest_reading(hub: Hub, run: Run) -> None:
    """And what a source said that is read no longer is stale."""

    async def measured() -> None:
        for unit, minute in (("Cel", 1), ("K", 2)):
            (series,) = await hub.journal.series("old", [("gate", "temperature", unit)])
            row = ReadingRow(series.id, to_micros(START + timedelta(minutes=minute)), 20.0, 0, None)
            await hub.append(source="old", readings=[row])

    claim = Claim(kind="Asset", external_id="gate", values={"kind": "SENSOR", "name": "Gate"})
    run(hub.append(source="old", claims=[claim]))
    run(measured())
    document = "query ($id: ID!) { asset(id: $id) { sensor { quantities latest { unit stale } } facts { stale } } }"
    found = run(hub.ask(document, id=hub.ids["gate"]))["asset"]
    assert found["sensor"] == {"quantities": ["temperature"], "latest": [{"unit": "K", "stale": True}]}
    assert {fact["stale"] for fact in found["facts"]} == {True}


def test_an_id_from_before_a_merge_finds_what_it_became(hub: Hub, run: Run) -> None:
    def claim(number: str, *identifiers: Identifier) -> Claim:
        return Claim(
            kind="Asset", external_id=number, values={"kind": "SENSOR", "name": number}, identifiers=identifiers
        )

    serial = Identifier(scheme="serial_number", value="ACME/77")
    run(hub.append(source="cabinets", claims=[claim("left", serial)]))
    run(hub.append(source="survey", claims=[claim("right")]))
    old = hub.ids["right"]
    run(hub.append(source="survey", claims=[claim("right", serial)]))
    lives = hub.ids["left"]
    assert lives == hub.ids["right"] != old
    document = """query ($id: ID!) { asset(id: $id) { id } node(id: $id) { id } place(id: $id) { id }
                    _entities(representations: [{__typename: "Asset", id: $id}]) { ... on Asset { id } } }"""
    it = {"id": lives}
    for id_ in (old, lives):
        assert run(hub.ask(document, id=id_)) == {"asset": it, "node": it, "place": None, "_entities": [it]}
