"""An emptied graph on each engine, a journal to project from, and an ear for what the driver warns of."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.contract import Claim
from hub.clock import ManualClock
from hub.graph.projector import Projector
from hub.graph.store import GraphConfig, Store
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import Appended, Draft
from hub.journal.sealing import Keyring, KeyringConfig

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_deprecations(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What an engine tells of our Cypher beside its answer: a deprecation is a failure."""
    yield
    for phase in ("setup", "call"):
        for record in caplog.get_records(phase):
            if record.name == "neo4j.notifications" and record.levelno >= logging.INFO:
                pytest.fail(f"the engine warns: {record.getMessage()}")


@pytest.fixture(params=["neo4j", "embedded"])
def config(request: pytest.FixtureRequest) -> GraphConfig:
    """Where the engine is; its data are gone."""
    if request.param == "neo4j":
        found = GraphConfig(uri=request.getfixturevalue("neo4j").uri)
    else:
        found = request.getfixturevalue("embedded").config
    asyncio.run(empty(found))
    return found


async def empty(config: GraphConfig) -> None:
    store = await Store.open(config)
    await store.write([("MATCH (n) DETACH DELETE n", {})])
    await store.close()


class World:
    """A journal, a graph and the projector between them."""

    def __init__(self, journal: Journal, store: Store, clock: ManualClock, projector: Projector) -> None:
        self.journal, self.store, self.clock, self.projector = journal, store, clock, projector

    def start(self) -> None:
        self._running = asyncio.create_task(self.projector.run())

    async def stop(self) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    @asynccontextmanager
    async def behind(self) -> AsyncIterator[None]:
        """The projector rests, so that it finds all that is said meanwhile at once."""
        await self.shown()
        await self.stop()
        yield
        self.start()

    async def say(self, *claims: Claim, source: str = "survey") -> Appended:
        return await self.journal.append(Draft(source=source, received_at=self.clock(), claims=claims))

    async def shown(self) -> None:
        """Until the graph shows what the journal holds."""
        assert await self.projector.wait_for(self.journal.head, 60)

    async def graph(self) -> tuple[object, object]:
        return await dump(self.store)


class Worlds:
    def __init__(self, folder: Path, config: GraphConfig) -> None:
        self.folder, self.config, self.clock = folder, config, ManualClock(START)
        folder.mkdir(exist_ok=True)
        self.precedence = {"nvr": 40, "survey": 60}

    @asynccontextmanager
    async def journal(self) -> AsyncIterator[Journal]:
        keys = KeyringConfig(store=self.folder / "keys.db", park_key=self.folder / "park.key")
        keyring = Keyring.open(keys, clock=self.clock)
        journal = await Journal.open(
            JournalConfig(url="sqlite", folder=self.folder / "state", keyring=keyring, clock=self.clock)
        )
        try:
            yield journal
        finally:
            await journal.close()
            keyring.close()

    @asynccontextmanager
    async def open(self, *, broken: Callable[[], Awaitable[None]] | None = None) -> AsyncIterator[World]:
        """With the projector at work."""
        async with self.journal() as journal:
            store = await Store.open(self.config)
            projector = Projector(journal, store, self.clock, self.precedence, broken=broken)
            world = World(journal, store, self.clock, projector)
            world.start()
            try:
                yield world
            finally:
                await world.stop()
                await store.close()


@pytest.fixture
def worlds(config: GraphConfig, tmp_path: Path) -> Worlds:
    return Worlds(tmp_path, config)


async def dump(store: Store) -> tuple[object, object]:
    """All of the graph but what bookkeeping it holds, in a form that compares."""
    nodes = await store.read(
        "MATCH (n) WHERE n.id IS NOT NULL RETURN n.id AS id, labels(n) AS labels, properties(n) AS properties", {}
    )
    links = await store.read(
        "MATCH (a)-[r]->(b) RETURN a.id AS a, type(r) AS type, b.id AS b, properties(r) AS properties", {}
    )
    return (
        sorted((row["id"], sorted(row["labels"]), _without_generation(row["properties"])) for row in nodes),  # type: ignore[call-overload]
        sorted((row["a"], row["type"], row["b"], str(row["properties"])) for row in links),
    )


def _without_generation(properties: object) -> str:
    assert isinstance(properties, dict)
    return str(sorted((key, value) for key, value in properties.items() if key != "generation"))


def names(rows: Sequence[dict[str, object]]) -> list[object]:
    return [row["name"] for row in rows]
