"""The engines that a selection is read on, one after the other."""

import asyncio
from collections.abc import Iterator

import pytest

from hub.clock import now
from hub.graph.embedded import Embedded
from hub.graph.store import GraphConfig
from tests.select.engine import Engine


@pytest.fixture(scope="session", params=["neo4j", "embedded"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with asyncio.Runner() as runner:
        if request.param == "neo4j":
            server = request.getfixturevalue("neo4j")
            made = Engine(GraphConfig(uri=server.uri), runner)
            yield made
            made.close()
            return
        embedded = Embedded(tmp_path_factory.mktemp("embedded"), now)
        made = Engine(runner.run(embedded.start()), runner)
        yield made
        made.close()
        runner.run(embedded.stop())
