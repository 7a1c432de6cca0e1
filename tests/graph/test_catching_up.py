"""What the projector finds after it has lain behind: claims whose neighbours are in the log, yet not in the graph."""

import asyncio
from collections.abc import Sequence

import pytest

from adapters.contract import Claim, Identifier, Link
from hub.graph import derive, projector
from hub.graph.store import Store
from tests.graph.conftest import World, Worlds
from tests.graph.test_projection import asset, located, place


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every entry is a batch of its own, as a thousand are in a long log."""
    monkeypatch.setattr(projector, "ENTRIES", 1)


async def equals_a_rebuild(world: World) -> None:
    await world.shown()
    followed = await world.graph()
    await world.projector.rebuild()
    assert await world.graph() == followed


def test_a_link_is_made_though_its_end_is_named_by_what_arrives_before_it(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            async with world.behind():
                await world.say(asset("lamp", at=["zone"], name="lamp"))
                await world.say(place("storey", "STOREY", name="storey"))
                await world.say(place("zone", within="storey", name="zone"))
            await world.shown()
            assert await located(world.store) == [("lamp", "zone")]
            await equals_a_rebuild(world)

    asyncio.run(main())


def test_a_link_taken_back_and_said_again_while_its_end_is_made_anew(worlds: Worlds) -> None:
    """The zone becomes a storey, which takes a new node, and the lamp leaves it and returns."""

    async def main() -> None:
        async with worlds.open() as world:
            await world.say(place("zone", name="zone"), asset("lamp", at=["zone"], name="lamp"))
            async with world.behind():
                await world.say(place("zone", "STOREY", name="zone"))
                await world.say(asset("lamp", name="lamp"))
                await world.say(asset("lamp", at=["zone"], name="lamp"))
            await world.shown()
            assert await located(world.store) == [("lamp", "zone")]
            await equals_a_rebuild(world)

    asyncio.run(main())


def test_a_link_to_what_was_merged_and_split_meanwhile(worlds: Worlds) -> None:
    serial = (Identifier(scheme="serial_number", value="ACME/S-1001"),)

    def tank(source_id: str, *identifiers: Identifier) -> Claim:
        watched = (Link(relation="MONITORS", target="zone"),)
        return Claim(
            kind="Asset",
            external_id=source_id,
            values={"kind": "CAMERA", "name": source_id},
            identifiers=identifiers,
            links=watched,
        )

    async def main() -> None:
        async with worlds.open() as world:
            async with world.behind():
                await world.say(tank("survey's", *serial))
                await world.say(tank("recorder's", *serial), source="nvr")
                await world.say(place("zone", name="zone"))
                await world.say(place("zone", name="zone"), source="nvr")
                await world.say(place("zone", "STOREY", name="zone"))
            await equals_a_rebuild(world)

    asyncio.run(main())


@pytest.mark.parametrize("ids", [("z1", "z2", "t1"), ("t1", "z2", "z1"), ("z2", "t1", "z1")])
def test_the_order_of_arrival_changes_nothing(worlds: Worlds, ids: Sequence[str]) -> None:
    claims = {
        "z1": place("z1", within="z2", name="z1"),
        "z2": place("z2", "STOREY", name="z2"),
        "t1": asset("t1", at=["z1"], name="t1"),
    }

    async def main() -> None:
        async with worlds.open() as world:
            async with world.behind():
                for id_ in ids:
                    await world.say(claims[id_])
            await world.shown()
            assert await located(world.store) == [("t1", "z1")]
            await equals_a_rebuild(world)

    asyncio.run(main())


def test_what_arrives_during_a_rebuild_is_linked_to_what_the_rebuild_had_passed(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.graph.rebuild.PAGE", 1)

    async def main() -> None:
        async with worlds.open() as world:
            await world.say(asset("lamp", at=["zone"], name="lamp"))
            await world.say(asset("other", name="other"))
            await world.shown()
            said = list[asyncio.Future[object]]()

            def passed(done: int) -> None:
                if done == 1:
                    said.append(asyncio.ensure_future(world.say(place("zone", name="zone"))))

            await world.projector.rebuild(passed)
            await asyncio.gather(*said)
            await world.shown()
            assert await located(world.store) == [("lamp", "zone")]
            await equals_a_rebuild(world)

    asyncio.run(main())


@pytest.mark.parametrize("second", [None, "Sensor"])
def test_a_new_node_and_its_link_come_in_one_statement_even_without_an_end(worlds: Worlds, second: str | None) -> None:
    statement = derive.create_linked("Asset", second, "LOCATED_IN", "Place")

    async def main() -> None:
        store = await Store.open(worlds.config)
        rows = [[{"id": "a1", "name": "one"}, "z1"], [{"id": "a2", "name": "two"}, "nowhere"]]
        await store.write([("CREATE (:Place {id: 'z1', name: 'zone'})", {}), (statement, {"rows": rows})])
        assert await located(store) == [("one", "zone")]
        made = await store.read("MATCH (a:Asset) RETURN a.name AS name, labels(a) AS labels ORDER BY name", {})
        assert [row["name"] for row in made] == ["one", "two"]
        for row in made:
            assert set(row["labels"]) == {"Asset", *((second,) if second else ())}  # type: ignore[call-overload]
        await store.close()

    asyncio.run(main())
