"""The engines that a selection is read on, one after the other."""

from collections.abc import Iterator

import pytest

from hub.graph.store import GraphConfig
from tests.select.engine import Engine


@pytest.fixture(scope="session", params=["neo4j", "embedded"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "neo4j":
        config = GraphConfig(uri="bolt://127.0.0.1:17687")
    else:
        config = GraphConfig(uri="bolt://127.0.0.1:17688", user="root", password="test-password-1", database="hub")
    made = Engine(config)
    yield made
    made.close()
