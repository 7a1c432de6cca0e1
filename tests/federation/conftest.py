"""One park, one brigade and their gateway for all tests of this folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.federation.park import Park
from tests.servers.brigade import Brigade, schema
from tests.servers.gate import Gate
from tests.servers.hive_gateway import HiveGateway
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import ServerMissing

HUB_SCHEMA = Path(__file__).resolve().parents[2] / "schema" / "schema.graphql"


@dataclass(frozen=True, kw_only=True)
class Federation:
    """`gate` stands before the brigade; `engine` is one of its engines, in hall a. The gateway hears the hub's
    subscriptions over server-sent events, and the brigade's over WebSockets."""

    park: Park
    brigade: Brigade
    gate: Gate
    engine: str
    gateway: HiveGateway


@pytest.fixture(scope="session")
def department_schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("department") / "department.graphql"
    file.write_text(schema(), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def federation(tmp_path_factory: pytest.TempPathFactory, department_schema: Path) -> Iterator[Federation]:
    folder = tmp_path_factory.mktemp("federation")
    try:
        broker = Mosquitto.start(folder / "broker")
        park = Park(folder=folder / "park", broker=broker.port)
        gate = Gate.before(0)
        hub = {"name": "hub", "url": f"{park.url}/graphql", "schema": str(HUB_SCHEMA)}
        department = {
            "name": "department",
            "url": f"http://127.0.0.1:{gate.port}/graphql",
            "schema": str(department_schema),
            "timeout": 1500,
            "subscriptions": "ws",
        }
        gateway = HiveGateway(folder / "gateway", [hub, department])
    except ServerMissing as missing:
        pytest.skip(str(missing))
    brigade: Brigade | None = None
    try:
        park.prepare()
        park.start()
        brigade = Brigade(folder / "brigade", park.url)
        gate.leads_to(brigade.port)
        engine = brigade.add("Foam 1", park.ids["hall-a"])
        done = gateway.compose()
        assert done.returncode == 0, done.stderr
        gateway.start()
        yield Federation(park=park, brigade=brigade, gate=gate, engine=engine, gateway=gateway)
    finally:
        gateway.stop()
        gate.shut()
        if brigade is not None:
            brigade.stop()
        park.stop()
        broker.stop()
