"""One small park for the folder, on the real journal and the embedded graph."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from hub.clock import now
from hub.graph.embedded import Embedded
from hub.graph.store import GraphConfig, Store
from tests.schema import town as towns
from tests.schema.hub import Hub, running
from tests.servers.embedded import EmbeddedServer
from tests.servers.neo4j import Neo4j
from tests.servers.process import ServerMissing

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="session")
def hub(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    embedded = Embedded(tmp_path_factory.mktemp("graph"), now)
    config = runner.run(embedded.start())
    try:
        opened = running(tmp_path_factory.mktemp("state"), config)
        yield runner.run(opened.__aenter__())
        runner.run(opened.__aexit__(None, None, None))
    finally:
        runner.run(embedded.stop())


@pytest.fixture(scope="module", params=["neo4j", "embedded"])
def own_graph(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphConfig]:
    """An engine of the module's own: on the session's a hub of another module may still be at work."""
    folder = tmp_path_factory.mktemp("own")
    try:
        server = Neo4j.start(folder, brief=True) if request.param == "neo4j" else EmbeddedServer.start(folder)
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield GraphConfig(uri=server.uri) if isinstance(server, Neo4j) else server.config
    server.stop()


@pytest.fixture
def run(runner: asyncio.Runner) -> Run:
    return runner.run


async def emptied(config: GraphConfig) -> None:
    """Another module may have left its graph there, or its record of migrations."""
    store = await Store.open(config)
    await store.write([("MATCH (n) DETACH DELETE n", {})])
    await store.close()


@pytest.fixture(scope="module", params=["neo4j", "embedded"])
def town(
    request: pytest.FixtureRequest, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hub]:
    """A park with something of every kind, on the real journal and either engine; each module has its own."""
    server = request.getfixturevalue(request.param)
    config = GraphConfig(uri=server.uri) if request.param == "neo4j" else server.config
    runner.run(emptied(config))
    opened = running(tmp_path_factory.mktemp("town"), config, towns.TRUST, towns.furnish)
    yield runner.run(opened.__aenter__())
    runner.run(opened.__aexit__(None, None, None))
