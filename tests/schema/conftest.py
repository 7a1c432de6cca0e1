"""One small park for the folder, on the real journal and the embedded graph."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from hub.clock import now
from hub.graph.embedded import Embedded
from hub.graph.store import GraphConfig
from tests.schema import town as towns
from tests.schema.hub import Hub, running

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


@pytest.fixture
def run(runner: asyncio.Runner) -> Run:
    return runner.run


@pytest.fixture(scope="session", params=["neo4j", "embedded"])
def town(
    request: pytest.FixtureRequest, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hub]:
    """A park with something of every kind, on the real journal and either engine."""
    server = request.getfixturevalue(request.param)
    config = GraphConfig(uri=server.uri) if request.param == "neo4j" else server.config
    opened = running(tmp_path_factory.mktemp("town"), config, towns.TRUST, towns.furnish)
    yield runner.run(opened.__aenter__())
    runner.run(opened.__aexit__(None, None, None))
