"""What the graph shows of what the journal holds, on both engines."""

import asyncio
from collections.abc import Sequence

from adapters.contract import Claim, Link, Position, Value
from hub.graph.search_text import search_words
from hub.graph.store import Store
from hub.journal.match import Decision
from tests.graph.conftest import World, Worlds


def place(external_id: str, kind: str = "ZONE", *, within: str | None = None, **values: Value) -> Claim:
    links = (Link(relation="PART_OF", target=within),) if within else ()
    return Claim(kind="Place", external_id=external_id, values={"kind": kind, **values}, links=links)


def asset(external_id: str, kind: str = "SENSOR", *, at: Sequence[str] = (), **values: Value) -> Claim:
    links = tuple(Link(relation="LOCATED_IN", target=target) for target in at)
    return Claim(kind="Asset", external_id=external_id, values={"kind": kind, **values}, links=links)


async def small_park(world: World) -> dict[str, str]:
    said = await world.say(
        place("park", "PARK", name="园区"),
        place("b1", "BUILDING", within="park", name="一号楼"),
        place("z1", within="b1", name="配电间"),
        asset("t1", at=["z1"], name="柜温 1", manufacturer="ACME"),
    )
    await world.shown()
    return dict(said.entities)


async def located(store: Store) -> list[tuple[object, object]]:
    rows = await store.read(
        "MATCH (a:Asset)-[:LOCATED_IN]->(p:Place) RETURN a.name AS a, p.name AS p ORDER BY a, p", {}
    )
    return [(row["a"], row["p"]) for row in rows]


def test_claims_become_entities_with_their_relations(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            ids = await small_park(world)
            rows = await world.store.read(
                "MATCH (a:Asset:Sensor {id: $id})-[:LOCATED_IN]->(z)-[:PART_OF]->(b)-[:PART_OF]->(p:Place:Park)"
                " RETURN a.name AS name, z.name AS zone, b.name AS building, p.id AS park, a.retired AS retired,"
                " a.sources AS sources, a.seq AS seq",
                {"id": ids["t1"]},
            )
            assert rows == [
                {
                    "name": "柜温 1",
                    "zone": "配电间",
                    "building": "一号楼",
                    "park": ids["park"],
                    "retired": False,
                    "sources": ["survey"],
                    "seq": world.journal.head,
                }
            ]

    asyncio.run(main())


def test_what_a_source_no_longer_says_leaves_the_graph(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            ids = await small_park(world)
            await world.say(place("z2", within="b1", name="泵房"), asset("t1", at=["z2"], name="柜温 1"))
            await world.shown()
            assert await located(world.store) == [("柜温 1", "泵房")]
            [row] = await world.store.read("MATCH (a:Asset {id: $id}) RETURN a.manufacturer AS m", {"id": ids["t1"]})
            assert row["m"] is None
            await world.say(asset("t1", name="柜温 1"))
            await world.shown()
            assert await located(world.store) == []

    asyncio.run(main())


def test_an_entity_whose_last_claim_is_gone_is_retired_and_can_come_back(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            ids = await small_park(world)
            await world.say(Claim(kind="Asset", external_id="t1", gone=True))
            await world.shown()
            [row] = await world.store.read(
                "MATCH (a:Asset {id: $id}) RETURN a.retired AS r, a.name AS n", {"id": ids["t1"]}
            )
            assert row == {"r": True, "n": "柜温 1"}
            assert await located(world.store) == []
            await world.say(asset("t1", at=["z1"], name="柜温 1"))
            await world.shown()
            assert await located(world.store) == [("柜温 1", "配电间")]
            [row] = await world.store.read("MATCH (a:Asset {id: $id}) RETURN a.retired AS r", {"id": ids["t1"]})
            assert row["r"] is False

    asyncio.run(main())


def test_a_thing_told_before_its_place_is_joined_to_it_once_it_is_told(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            await world.say(asset("t1", at=["z1"], name="t1"))
            await world.shown()
            assert await located(world.store) == []
            await world.say(place("z1", name="配电间"))
            await world.shown()
            assert await located(world.store) == [("t1", "配电间")]

    asyncio.run(main())


def test_another_kind_of_asset_keeps_what_links_to_it(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            await small_park(world)
            await world.say(
                Claim(
                    kind="Asset",
                    external_id="cam",
                    values={"kind": "CAMERA"},
                    links=(Link(relation="MONITORS", target="t1"), Link(relation="MONITORS", target="z1")),
                )
            )
            await world.shown()
            await world.say(asset("t1", "EQUIPMENT", at=["z1"], name="柜"))
            await world.shown()
            rows = await world.store.read(
                "MATCH (:Camera)-[:MONITORS]->(x) RETURN labels(x) AS labels, x.name AS name ORDER BY name", {}
            )
            assert [(sorted(row["labels"]), row["name"]) for row in rows] == [  # type: ignore[call-overload]
                (["Asset", "Equipment"], "柜"),
                (["Place", "Zone"], "配电间"),
            ]
            assert await located(world.store) == [("柜", "配电间")]

    asyncio.run(main())


def test_precedence_chooses_each_value_and_a_merge_and_a_split_move_claims(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            ids = await small_park(world)
            seen = await world.say(
                asset("cam-7", "SENSOR", at=["room"], name="NVR's name", firmware="1.2"),
                place("room", name="room 7"),
                source="nvr",
            )
            await world.shown()
            apart = await world.graph()
            decision = Decision(actor="someone", at=world.clock(), reason="one and the same")
            await world.journal.decide(
                lambda matches, connection, at: matches.merge(connection, ids["t1"], seen.entities["cam-7"], decision)
            )
            await world.shown()
            rows = await world.store.read(
                "MATCH (a:Asset) RETURN a.name AS name, a.firmware AS firmware, a.sources AS sources", {}
            )
            assert rows == [{"name": "柜温 1", "firmware": "1.2", "sources": ["nvr", "survey"]}]
            assert await located(world.store) == [("柜温 1", "配电间")]
            [alias] = {ids["t1"], seen.entities["cam-7"]} - {
                str(row["id"]) for row in await world.store.read("MATCH (a:Asset) RETURN a.id AS id", {})
            }
            await world.journal.decide(lambda matches, connection, at: matches.split(connection, alias, decision))
            await world.shown()
            assert await world.graph() == apart

    asyncio.run(main())


def test_a_change_of_precedence_shows_at_the_next_start(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            ids = (await world.say(asset("t1", name="survey's"))).entities
            seen = await world.say(asset("x1", name="NVR's"), source="nvr")
            decision = Decision(actor="someone", at=world.clock(), reason="one and the same")
            await world.journal.decide(
                lambda matches, connection, at: matches.merge(connection, ids["t1"], seen.entities["x1"], decision)
            )
            await world.shown()
            assert await world.store.read("MATCH (a:Asset) RETURN a.name AS name", {}) == [{"name": "survey's"}]
        worlds.precedence = {"nvr": 60, "survey": 40}
        async with worlds.open() as world:
            await world.shown()
            assert await world.store.read("MATCH (a:Asset) RETURN a.name AS name", {}) == [{"name": "NVR's"}]

    asyncio.run(main())


def test_personal_values_are_sealed_but_a_searchable_name(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            values: dict[str, Value] = {"name": "王小明", "phone": "13800138000"}
            await world.say(Claim(kind="Person", external_id="p1", values=values))
            await world.shown()
            [row] = await world.store.read("MATCH (p:Person) RETURN p.name AS name, p.phone AS phone", {})
            assert row["name"] == "王小明"
            assert row["phone"] is not None and "13800138000" not in str(row["phone"])
            for query in ("小明", "wxm", "王"):
                found = await world.store.read(
                    "MATCH (p:Person) WHERE all(word IN $words WHERE p.search CONTAINS word) RETURN p.name AS name",
                    {"words": search_words(query)},
                )
                assert found == [{"name": "王小明"}], query

    asyncio.run(main())


def test_values_that_an_index_or_bolt_cannot_take_do_not_stop_the_projection(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            await world.say(
                asset("t1", name="长" * 40_000, serial_number="x" * 100_000),
                asset("t2", name="a\x00b 😀"),
                place("z1", level=2**63),
                place("z2", kind="nonsense", name="z2"),
                Claim(
                    kind="Place",
                    external_id="z3",
                    values={"kind": "ZONE"},
                    position=Position(latitude=29, longitude=106),
                ),
            )
            await world.shown()
            [row] = await world.store.read("MATCH (n) WHERE n.id IS NOT NULL RETURN count(n) AS n", {})
            assert row["n"] == 5

    asyncio.run(main())
