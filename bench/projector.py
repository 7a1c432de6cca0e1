"""Rows a second from the journal to the graph, against the same rows sent by bare UNWIND … MERGE with the same driver.

10,000 nodes and 10,000 relations in batches of 1,000; first inserted, then all nodes changed. Ours reads the journal,
chooses values, finds what differs and keeps its position; the peer has its rows ready. Both graphs are compared.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import neo4j

from adapters.contract import Claim, Link
from bench._sides import settle, told
from hub.clock import now
from hub.graph.changes import chunks
from hub.graph.dialect import NEO4J, Dialect
from hub.graph.migrate import migrate
from hub.graph.projector import Projector
from hub.graph.rows import node
from hub.graph.store import GraphConfig, Store
from hub.journal.claims import Changed, LatestClaims
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import Draft
from tests.servers.embedded import EmbeddedServer
from tests.servers.neo4j import Neo4j
from tests.servers.process import ServerMissing

NODES, PLACES, BATCH, ROUNDS, WARM = 10_000, 200, 1000, 5, 4
SOURCE = "survey"
NODE = "UNWIND $rows AS row MERGE (n:Asset {id: row.id}) SET n += row"
NODE_LABELLED = "UNWIND $rows AS row MERGE (n:Asset {id: row.id}) SET n:Sensor, n += row"
RELATION = "UNWIND $rows AS row MATCH (a:Asset {id: row[0]}) MATCH (b:Place {id: row[1]}) MERGE (a)-[:LOCATED_IN]->(b)"


class Gate:
    """The journal, of which its reader sees no more than `shown`, so that appending is not part of the time."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.epoch = journal.epoch
        self.shown = 0
        # By name: a way to read that is new to the projector must pass here too, not go past the gate.
        self.latest_claims, self.linking, self.unseal = journal.latest_claims, journal.linking, journal.unseal

    @property
    def head(self) -> int:
        return self.shown

    async def entities(self, after: str, limit: int) -> Sequence[str]:
        return await self._journal.entities(after, limit) if self.shown else ()

    async def changed(self, after: int, limit: int) -> Changed:
        if self.shown > after:
            return await self._journal.changed(after, limit)
        return Changed(after, LatestClaims({}, {}), frozenset())

    async def wait(self, after: int, seconds: float) -> int:
        until = time.monotonic() + seconds
        while self.shown <= after and time.monotonic() < until:  # noqa: ASYNC110 - lifted by hand
            await asyncio.sleep(0.001)
        return self.shown


def places() -> list[Claim]:
    return [Claim(kind="Place", external_id=f"z{i}", values={"kind": "ZONE", "name": f"区 {i}"}) for i in range(PLACES)]


def assets(change: int) -> list[Claim]:
    return [
        Claim(
            kind="Asset",
            external_id=f"t{i}",
            values={"kind": "SENSOR", "name": f"柜温 {i} {change}", "manufacturer": "ACME", "model": f"M{i % 7}"},
            links=(Link(relation="LOCATED_IN", target=f"z{i % PLACES}"),),
        )
        for i in range(NODES)
    ]


async def say(journal: Journal, claims: list[Claim]) -> list[str]:
    ids: list[str] = []
    for some in chunks(claims, BATCH):
        appended = await journal.append(Draft(source=SOURCE, received_at=now(), claims=some))
        ids += [appended.entities[claim.external_id] for claim in some]
    return ids


async def rows_of(journal: Journal, ids: list[str]) -> tuple[list[dict[str, object]], list[list[str]]]:
    """What the peer sends: the same properties and pairs."""
    nodes, pairs = [], []
    for some in chunks(ids, BATCH):
        claims = await journal.claims_of(some)
        for id_ in some:
            made = node(id_, claims[id_], {})
            assert made is not None
            nodes.append({**made.properties, "generation": 1})
            pairs += [[id_, target] for _, target in made.links]
    return nodes, pairs


async def contents(store: Store) -> list[dict[str, object]]:
    return await store.read(
        "MATCH (a:Asset) OPTIONAL MATCH (a)-[:LOCATED_IN]->(p) RETURN properties(a) AS a, p.id AS p ORDER BY a.id",
        {},
        seconds=60,
    )


async def bare(config: GraphConfig, dialect: Dialect, nodes: list[dict[str, object]], pairs: list[list[str]]) -> float:
    """The embedded engine takes no second label after a MERGE: there the peer writes one less than ours."""
    statement = NODE_LABELLED if dialect is NEO4J else NODE
    auth = None if config.password is None else (config.user, config.password)
    async with neo4j.AsyncGraphDatabase.driver(config.uri, auth=auth) as driver:
        await driver.verify_connectivity()
        began = time.perf_counter()
        for some, linked in zip(chunks(nodes, BATCH), chunks(pairs, BATCH), strict=True):

            async def work(transaction: neo4j.AsyncManagedTransaction, some: object, linked: object) -> None:
                await (await transaction.run(statement, rows=some)).consume()
                await (await transaction.run(RELATION, rows=linked)).consume()

            async with driver.session(database=config.database) as session:
                await session.execute_write(work, some, linked)
        return time.perf_counter() - began


async def empty(store: Store, *, all_of_it: bool) -> None:
    for label in ("Asset", "Place", "Projection") if all_of_it else ("Asset",):
        await store.write([(f"MATCH (n:{label}) DETACH DELETE n", {})])


async def one_round(config: GraphConfig, folder: Path) -> dict[str, tuple[float, float]]:
    """By insert and update: seconds of ours and of the peer."""
    journal = await Journal.open(JournalConfig(url="sqlite", folder=folder))
    store = await Store.open(config)
    dialect = await store.contact()
    await migrate(store, now)
    await empty(store, all_of_it=True)
    gate: Any = Gate(journal)
    projector = Projector(gate, store, now, {})
    running = asyncio.create_task(projector.run())
    took: dict[str, list[float]] = {"insert": [], "update": []}
    await say(journal, places())
    gate.shown = journal.head
    assert await projector.wait_for(gate.shown, 60)
    kept: list[tuple[list[dict[str, object]], list[list[str]], object]] = []
    for change, name in enumerate(took):
        ids = await say(journal, assets(change))
        nodes, pairs = await rows_of(journal, ids)
        settle(spared=True)  # what the bench itself holds is no work of either side
        assert projector.position == gate.shown < journal.head
        began = time.perf_counter()
        gate.shown = journal.head
        assert await projector.wait_for(gate.shown, 120)
        took[name].append(time.perf_counter() - began)
        kept.append((nodes, pairs, await contents(store)))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await empty(store, all_of_it=False)
    for name, (nodes, pairs, ours) in zip(took, kept, strict=True):
        settle(spared=True)
        took[name].append(await bare(config, dialect, nodes, pairs))
        if await contents(store) != ours:
            raise SystemExit(f"projector-{name}: the two graphs differ")
    await store.close()
    await journal.close()
    return {name: (ours, theirs) for name, (ours, theirs) in took.items()}


def figures(engine: str, config: GraphConfig) -> None:
    rounds = []
    for number in range(WARM + ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            seconds = asyncio.run(one_round(config, Path(folder) / "state"))
        if number >= WARM:
            rounds.append(seconds)
    for name in ("insert", "update"):
        ours = [2 * NODES / each[name][0] for each in rounds]
        theirs = [2 * NODES / each[name][1] for each in rounds]
        told(f"projector-{engine}-{name}", "bare UNWIND … MERGE by the same driver", ours, theirs, "rows/s")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        embedded = EmbeddedServer.start(Path(folder) / "embedded")
        try:
            figures("embedded", embedded.config)
        finally:
            embedded.stop()
        try:
            server = Neo4j.start(Path(folder) / "neo4j")
        except ServerMissing as missing:
            raise SystemExit(f"projector-neo4j: {missing}") from missing
        try:
            figures("neo4j", GraphConfig(uri=server.uri))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
