"""The engines that a selection is read on, one after the other."""

import asyncio
from collections.abc import Iterator

import pytest

from hub.graph.store import GraphConfig
from tests.select.engine import Engine


@pytest.fixture(scope="session", params=["neo4j", "embedded"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    server = request.getfixturevalue(request.param)
    config = GraphConfig(uri=server.uri) if request.param == "neo4j" else server.config
    with asyncio.Runner() as runner:
        made = Engine(config, runner)
        yield made
        made.close()


@pytest.fixture(autouse=True)
def no_deprecations(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """An engine that calls a piece of our Cypher outdated would one day refuse it."""
    yield
    told = [record.getMessage() for record in caplog.get_records("call") if record.name == "neo4j.notifications"]
    assert not [message for message in told if "deprecat" in message.lower()]
