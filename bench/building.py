"""The five kinds of one building in one query, p95 against its limit: 60 buildings, 10,000 assets, 20,000 lots.

Cameras, sensors, lots, people on duty and warnings, 50 of each with its sources, as a client asks for them, from the
document to the answer's values, on both engines; the building differs by request.
"""

import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson
from strawberry.types import ExecutionResult

from hub.clock import now
from hub.graph.changes import chunks
from hub.graph.derive import create_nodes, entities, link_nodes
from hub.graph.migrate import migrate
from hub.graph.rows import iso
from hub.graph.search_text import search_text
from hub.graph.store import GraphConfig, Store
from hub.viewer import LOCAL_ADMINISTRATOR, SHOW_ALL
from schema.context import Context, Services
from schema.schema import schema
from tests.servers.embedded import EmbeddedServer
from tests.servers.neo4j import Neo4j
from tests.servers.process import ServerMissing

BUILDINGS, STOREYS, ASSETS, LOTS, PEOPLE, WARNINGS = 60, 5, 10_000, 20_000, 400, 200
LIMIT, WARM, ROUNDS = 200.0, 60, 300  # milliseconds, requests
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
FIVE = """query ($id: ID!, $at: DateTime) { place(id: $id) { name
  cameras: assets(below: true, filter: {kind: [CAMERA]}) { totalCount nodes { name online ...Of } }
  sensors: assets(below: true, filter: {kind: [SENSOR]}) { totalCount nodes { name deviceType ...Of } }
  lots(below: true) { totalCount nodes { name itemCode quantity unit expiresAt sharing { terms agreedQuantity }
    holder { name } provenance { source observedAt stale } } }
  peopleOnDuty(at: $at) { nodes { role person { name } provenance { source observedAt stale } } }
  warnings(at: $at) { nodes { headline severity colour senderName sent provenance { source observedAt stale } } } } }
  fragment Of on Asset { place { name } provenance { source observedAt stale } }"""


class Nothing:
    epoch = "bench"

    def statuses(self) -> list[Any]:
        return []


class Park:
    """Nodes and relations by the statements that the projector writes them with."""

    def __init__(self) -> None:
        self.dice = Random(1)
        self.nodes: dict[str, list[dict[str, object]]] = defaultdict(list)
        self.links: dict[str, list[list[str]]] = defaultdict(list)
        self.buildings: list[str] = []
        self._make()

    def add(self, label: str, id_: str, **values: object) -> str:
        kind = values.get("kind")
        second = entities()[label].second.get(str(kind))
        made = {"id": id_, "retired": False, "sources": ["survey"], "observed": [iso(START)], **values}
        if "name" in values:
            made["search"] = search_text([str(values["name"])])
        self.nodes[create_nodes(label, second)].append(made)
        return id_

    def link(self, start: str, relation: str, end: str, of: str, to: str) -> None:
        self.links[link_nodes(relation, of, to)].append([start, end])

    def _make(self) -> None:
        dice, places = self.dice, list[str]()
        park = self.add("Place", "park", kind="PARK", name="园区")
        for b in range(BUILDINGS):
            self.buildings.append(self.add("Place", f"b{b}", kind="BUILDING", name=f"{b}号楼"))
            self.link(f"b{b}", "PART_OF", park, "Place", "Place")
            for s in range(STOREYS):
                places.append(self.add("Place", f"b{b}s{s}", kind="STOREY", name=f"{b}号楼{s}层", level=s))
                self.link(f"b{b}s{s}", "PART_OF", f"b{b}", "Place", "Place")
        for n in range(900):
            self.add("Organization", f"o{n}", kind="TENANT", name=f"重庆{n}有限公司")
        for n in range(ASSETS):
            kind = dice.choices(["SENSOR", "CAMERA", "EQUIPMENT"], [7, 2, 1])[0]
            self.add("Asset", f"a{n}", kind=kind, name=f"设备 {n}", device_type="点型感烟火灾探测器", online=True)
            self.link(f"a{n}", "LOCATED_IN", dice.choice(places), "Asset", "Place")
        for n in range(LOTS):
            self.add(
                "SupplyLot", f"l{n}", name=f"灭火器 {n}", item_code="2030101", quantity=4.0, unit="1", sharing="ASK"
            )
            self.link(f"l{n}", "STORED_IN", dice.choice(places), "SupplyLot", "Place")
            self.link(f"l{n}", "OWNED_BY", f"o{dice.randrange(900)}", "SupplyLot", "Organization")
        for n in range(PEOPLE):
            self.add("Person", f"p{n}", name=f"王{n}", roles=["值班员"])
            for day in range(10):
                begin = START + timedelta(days=day - 5, hours=8 * (n % 3))
                shift = self.add(
                    "Shift", f"s{n}-{day}", role="guard", starts_at=iso(begin), ends_at=iso(begin + timedelta(hours=8))
                )
                self.link(shift, "SERVED_BY", f"p{n}", "Shift", "Person")
                self.link(shift, "POSTED_AT", dice.choice(places), "Shift", "Place")
        for n in range(WARNINGS):
            sent = START - timedelta(hours=n)
            self.add(
                "Warning",
                f"w{n}",
                identifier=f"w{n}",
                headline="大风蓝色预警",
                severity="MINOR",
                colour="BLUE",
                status="ACTUAL",
                message_type="ALERT",
                sent=iso(sent),
                expires=iso(sent + timedelta(hours=6)),
            )
            self.link(f"w{n}", "COVERS", park if n % 2 else dice.choice(places), "Warning", "Place")

    async def load(self, store: Store) -> None:
        for of in (self.nodes, self.links):
            for statement, rows in of.items():
                for some in chunks(rows, 2000):
                    await store.write([(statement, {"rows": list(some)})])


async def asked(config: GraphConfig) -> list[float]:
    """Milliseconds of each request."""
    store, park = await Store.open(config), Park()
    await migrate(store, now)
    await park.load(store)
    parts: dict[str, Any] = dict.fromkeys((each.name for each in fields(Services)), Nothing())
    parts |= {"store": store, "clock": lambda: START + timedelta(hours=1), "precedence": {}}
    services = Services(**parts)
    took = []
    for number in range(WARM + ROUNDS):
        building = park.dice.choice(park.buildings)
        began = time.perf_counter()
        result = await schema.execute(
            FIVE,
            variable_values={"id": building},
            context_value=Context(services=services, viewer=LOCAL_ADMINISTRATOR, mask=SHOW_ALL),
        )
        if number >= WARM:
            took.append((time.perf_counter() - began) * 1000)
        assert isinstance(result, ExecutionResult) and not result.errors and result.data, result
        of = result.data["place"]
        assert len(of["lots"]["nodes"]) == len(of["sensors"]["nodes"]) == 50
        assert of["warnings"]["nodes"] and of["cameras"]["totalCount"]
    await store.close()
    return took


def told(engine: str, took: list[float]) -> None:
    p95 = statistics.quantiles(took, n=20)[-1]
    line = {
        "bench": f"building-{engine}",
        "ours": round(p95, 1),
        "against": "its limit, at p95",
        "theirs": LIMIT,
        "unit": "ms",
        "ratio": round(LIMIT / p95, 3),
    }
    print(orjson.dumps(line).decode(), flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        embedded = EmbeddedServer.start(Path(folder) / "embedded")
        try:
            told("embedded", asyncio.run(asked(embedded.config)))
        finally:
            embedded.stop()
        try:
            server = Neo4j.start(Path(folder) / "neo4j")
        except ServerMissing as missing:
            raise SystemExit(f"building-neo4j: {missing}") from missing
        try:
            told("neo4j", asyncio.run(asked(GraphConfig(uri=server.uri))))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
