"""A rebuild gives the graph that following the journal gave, whatever was claimed in whatever order."""

import asyncio
import contextlib
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from adapters.contract import Claim, Identifier, Link, Value
from hub.errors import CausewayError
from hub.graph import projector
from hub.graph.store import Store
from hub.journal.match import Decision
from tests.graph.conftest import World, Worlds, dump, empty
from tests.graph.test_projection import asset, place, small_park

pytestmark = pytest.mark.long

PLACES = ("p0", "p1", "p2")
ASSETS = ("a0", "a1", "a2")

places = st.builds(
    lambda name, kind, title, parent, near, gone: Claim(
        kind="Place",
        external_id=name,
        values={"kind": kind, "name": title} if title else {"kind": kind},
        links=tuple(Link(relation=r, target=t) for r, ts in (("PART_OF", parent), ("ADJACENT_TO", near)) for t in ts),
        gone=gone,
    ),
    st.sampled_from(PLACES),
    st.sampled_from(["ZONE", "STOREY"]),
    st.sampled_from([None, "甲", "乙"]),
    st.lists(st.sampled_from(PLACES), max_size=1),
    st.lists(st.sampled_from(PLACES), max_size=2, unique=True),
    st.booleans(),
)
assets = st.builds(
    lambda name, kind, serial, at, watched, gone: Claim(
        kind="Asset",
        external_id=name,
        values={"kind": kind, "name": name},
        identifiers=(Identifier(scheme="serial_number", value=f"ACME/{serial}"),) if serial else (),
        links=tuple(Link(relation=r, target=t) for r, ts in (("LOCATED_IN", at), ("MONITORS", watched)) for t in ts),
        gone=gone,
    ),
    st.sampled_from(ASSETS),
    st.sampled_from(["SENSOR", "CAMERA"]),
    st.sampled_from([None, "S-1001", "S-1002"]),
    st.lists(st.sampled_from(PLACES), max_size=1),
    st.lists(st.sampled_from(PLACES + ASSETS), max_size=2, unique=True),
    st.booleans(),
)
said = st.tuples(st.sampled_from(["nvr", "survey"]), st.lists(places | assets, min_size=1, max_size=4))
PACES = ("each step is seen", "as it comes", "behind")
QUICK = tuple(phase for phase in Phase if phase is not Phase.explain)  # which traces every line

decided = st.tuples(st.sampled_from(["merge", "split"]), st.integers(0, 7), st.integers(0, 7))


async def decide(world: World, things: Sequence[str], what: str, one: int, other: int) -> None:
    """As far as it can be decided at all."""
    decision = Decision(actor="someone", at=world.clock(), reason=None)
    if not things:
        return
    left, right = things[one % len(things)], things[other % len(things)]
    with contextlib.suppress(CausewayError):
        if what == "merge":
            await world.journal.decide(lambda matches, connection, at: matches.merge(connection, left, right, decision))
        else:
            await world.journal.decide(lambda matches, connection, at: matches.split(connection, left, decision))


@pytest.mark.parametrize("batch", [1, 2, projector.ENTRIES])
def test_the_graph_that_was_followed_equals_a_rebuilt_one_and_a_fresh_one(
    worlds: Worlds, tmp_path: Path, batch: int
) -> None:
    numbers = count()

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), phases=QUICK)
    @given(st.lists(said | decided, min_size=1, max_size=10), st.sampled_from(PACES), st.integers(0, 10))
    def compare(steps: list[Any], pace: str, first: int) -> None:
        async def main() -> None:
            own = Worlds(tmp_path / str(next(numbers)), worlds.config)
            things: dict[str, None] = {}

            async def say(world: World, some: list[Any]) -> None:
                for step in some:
                    if len(step) == 3:
                        await decide(world, list(things), *step)
                    else:
                        once = {claim.external_id: claim for claim in step[1]}  # a batch says each thing once
                        appended = await world.say(*once.values(), source=step[0])
                        things.update(dict.fromkeys(sorted(appended.entities.values())))
                    if pace == "each step is seen":
                        await world.shown()

            async with own.open() as world:
                if pace == "behind":
                    await say(world, steps[:first])
                    async with world.behind():
                        await say(world, steps[first:])
                else:
                    await say(world, steps)
                await world.shown()
                followed = await world.graph()
                await world.projector.rebuild()
                assert await world.graph() == followed
            await empty(own.config)
            async with own.open() as world:
                await world.shown()
                assert await world.graph() == followed

        asyncio.run(main())
        asyncio.run(empty(worlds.config))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projector, "ENTRIES", batch)
        compare()


def test_a_rebuild_mends_what_was_broken_in_the_graph_and_never_empties_it(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            ids = await small_park(world)
            right = await world.graph()
            await world.store.write(
                [
                    ("MATCH (a:Asset {id: $id}) SET a.name = 'wrong', a.extra = 1", {"id": ids["t1"]}),
                    ("MATCH (a:Asset)-[r:LOCATED_IN]->() DELETE r", {}),
                    (
                        "MATCH (z:Place {id: $id}) CREATE (:Asset {id: 'ghost', name: 'ghost'})-[:LOCATED_IN]->(z)",
                        {"id": ids["z1"]},
                    ),
                    (
                        "MATCH (a:Place {id: $a}), (b:Place {id: $b}) CREATE (a)-[:ADJACENT_TO]->(b)",
                        {"a": ids["b1"], "b": ids["z1"]},
                    ),
                ]
            )
            seen: list[int] = []
            done = False

            async def look() -> None:
                while not done:
                    [row] = await world.store.read("MATCH (p:Place) RETURN count(p) AS n", {})
                    seen.append(int(str(row["n"])))

            looking = asyncio.create_task(look())
            progress: list[int] = []
            assert await world.projector.rebuild(progress.append) == 4
            done = True
            await looking
            assert await world.graph() == right
            assert set(seen) == {3}
            assert progress[-1] == 4
            assert world.projector.generation == 2

    asyncio.run(main())


def test_a_graph_of_another_journal_or_from_its_future_is_made_anew(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            await small_park(world)
            right = await world.graph()
        for change in ("p.epoch = 'another'", "p.position = 1000000"):
            store = await Store.open(worlds.config)
            await store.write(
                [
                    (f"MATCH (p:Projection) SET {change}", {}),
                    ("CREATE (:Place:Zone {id: 'of another journal', generation: 1})", {}),
                ]
            )
            await store.close()
            async with worlds.open() as world:
                await world.shown()
                assert await world.graph() == right, change

    asyncio.run(main())


def test_the_projector_goes_on_where_it_stopped_and_the_same_batch_twice_changes_nothing(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            await small_park(world)
            first = world.projector.position
        async with worlds.journal() as journal:
            quiet = World(journal, None, worlds.clock, None)  # type: ignore[arg-type]
            await quiet.say(asset("t2", at=["z1"], name="said while nobody followed"))
        async with worlds.open() as world:
            await world.shown()
            right = await world.graph()
            assert "said while nobody followed" in str(right)
            assert world.projector.generation == 1
            await world.store.write([("MATCH (p:Projection) SET p.position = $first", {"first": first})])
        async with worlds.open() as world:
            await world.say(place("z9", name="after"))
            await world.shown()
            await world.store.write([("MATCH (p:Place {name: 'after'}) DETACH DELETE p", {})])
            assert await dump(world.store) == right

    asyncio.run(main())


def test_many_claims_at_once_are_all_shown(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            for round_ in range(2):
                values: list[Value] = [f"n{i} {round_}" for i in range(2500)]
                await world.say(
                    *(asset(f"t{i}", at=[f"z{i % 50}"], name=name) for i, name in enumerate(values)),
                    *(place(f"z{i}", name=f"z{i}") for i in range(50)),
                )
                await world.shown()
                [row] = await world.store.read(
                    "MATCH (a:Asset)-[:LOCATED_IN]->(p:Place) WHERE a.name ENDS WITH $round RETURN count(a) AS n",
                    {"round": f" {round_}"},
                )
                assert row["n"] == 2500

    asyncio.run(main())


def test_the_projector_never_says_that_the_graph_shows_what_it_does_not(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            await small_park(world)
            done = False
            looks = 0

            async def look() -> None:
                nonlocal looks
                while not done:
                    position = world.projector.position
                    [row] = await world.store.read(
                        "MATCH (p:Projection {name: 'graph'}) WITH p.position AS position"
                        " OPTIONAL MATCH (a:Asset) RETURN position, max(a.seq) AS seq",
                        {},
                    )
                    assert int(str(row["position"])) >= position
                    assert int(str(row["seq"])) >= position  # what is said is of assets alone
                    looks += 1

            await world.say(asset("t1", at=["z1"], name="柜温 1", model="X"))
            await world.shown()
            looking = asyncio.create_task(look())
            for number in range(40):
                said = await world.say(*(asset(f"n{number}-{i}", at=["z1"], name="n") for i in range(60)))
                if number % 4 == 0:
                    assert await world.projector.wait_for(said.seq, 20)
                    [row] = await world.store.read("MATCH (a:Asset {name: 'n'}) RETURN count(a) AS n", {})
                    assert int(str(row["n"])) == 60 * (number + 1)
            await world.shown()
            done = True
            await looking
            assert looks > 3

    asyncio.run(main())


def test_a_graph_that_is_exchanged_under_the_hub_is_made_anew(worlds: Worlds) -> None:
    async def main() -> None:
        async with worlds.open() as world:
            await small_park(world)
            right = await world.graph()
            await empty(worlds.config)
            for _ in range(200):  # it looks from time to time, though nobody says anything
                if await world.graph() == right:
                    break
                await asyncio.sleep(0.05)
            await world.shown()
            assert await world.graph() == right
            await empty(worlds.config)
            await world.say(asset("t2", at=["z1"], name="said just then"))
            await world.shown()
            followed = await world.graph()
            assert "said just then" in str(followed) and "柜温 1" in str(followed)
            await world.projector.rebuild()
            assert await world.graph() == followed

    asyncio.run(main())
