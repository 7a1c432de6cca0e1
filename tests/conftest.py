"""Fixtures that several folders of tests share: the real servers, each started once a session, and the samples."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers.process import ServerMissing

if TYPE_CHECKING:
    from tests.servers.embedded import EmbeddedServer
    from tests.servers.mariadb import MariaDb
    from tests.servers.mosquitto import Mosquitto
    from tests.servers.neo4j import Neo4j
    from tests.servers.postgres import Postgres


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take a minute begin first, so that none is still running when all else is done."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real messages and recordings."""
    folder = os.environ.get("CAUSEWAY_SAMPLES")
    if not folder:
        pytest.skip("CAUSEWAY_SAMPLES names no folder of real messages")
    return Path(folder)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Postgres]":
    """A real PostgreSQL; `postgres.new_database()` gives the URL of an empty one."""
    from tests.servers.postgres import Postgres

    try:
        server = Postgres.start(tmp_path_factory.mktemp("postgres"))
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[MariaDb]":
    """A real MariaDB; `mariadb.new_database()` gives the name of an empty one."""
    from tests.servers.mariadb import MariaDb

    try:
        server = MariaDb.start(tmp_path_factory.mktemp("mariadb"))
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.remove()


@pytest.fixture(scope="session")
def neo4j(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Neo4j]":
    """A real Neo4j with Bolt on loopback; `neo4j.uri`."""
    from tests.servers.neo4j import Neo4j

    try:
        server = Neo4j.start(tmp_path_factory.mktemp("neo4j"))
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[EmbeddedServer]":
    """The graph engine that comes with the hub; `embedded.config`."""
    from tests.servers.embedded import EmbeddedServer

    try:
        server = EmbeddedServer.start(tmp_path_factory.mktemp("embedded"))
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


@pytest.fixture
def mosquitto(tmp_path: Path) -> "Iterator[Mosquitto]":
    """A real mosquitto of the test's own; `mosquitto.port`."""
    from tests.servers.mosquitto import Mosquitto

    try:
        server = Mosquitto.start(tmp_path / "mosquitto")
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()
