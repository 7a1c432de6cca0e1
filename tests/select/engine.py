"""A real graph engine under a plain, synchronous hand: loads a park, runs a coroutine."""

import asyncio
from collections.abc import Coroutine
from itertools import product
from typing import Any, TypeVar

from hub.graph.derive import relations
from hub.graph.kinds import KINDS
from hub.graph.store import GraphConfig, Store
from tests.select.walks import Park

T = TypeVar("T")

_SECOND_LABEL = {kind: kind.capitalize() for kind in ("SENSOR", "CAMERA", "RECORDER", "PANEL", "EQUIPMENT")}


class Engine:
    def __init__(self, config: GraphConfig, runner: asyncio.Runner) -> None:
        self._runner = runner
        self.store = self.run(Store.open(config))
        self.run(self.store.contact())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def close(self) -> None:
        self.run(self.store.close())

    def load(self, park: Park, position: int = 7) -> None:
        """This park and nothing else."""
        self.run(self.store.write([("MATCH (n) DETACH DELETE n", {})]))
        steps: list[tuple[str, dict[str, object]]] = [
            ("CREATE (p:Projection {name: 'graph'}) SET p.position = $position", {"position": position}),
        ]
        for entity in KINDS:
            by_labels: dict[str, list[dict[str, object]]] = {}
            for id_, node in park.nodes.items():
                if node["entity"] == entity:
                    second = _SECOND_LABEL.get(str(node.get("kind"))) if entity == "Asset" else None
                    row = {name: value for name, value in node.items() if name != "entity" and value is not None}
                    by_labels.setdefault(f"{entity}:{second}" if second else entity, []).append({"id": id_, **row})
            for labels, rows in by_labels.items():
                create = f"UNWIND $rows AS row CREATE (n:{labels} {{id: row.id}}) SET n += row"
                steps.append((create, {"rows": rows}))
        for relation in sorted({relation for _, relation, _ in park.edges}):
            declared = relations()[relation]
            for start, end in product(declared.start, declared.end):
                pairs = [
                    [s, e]
                    for s, r, e in sorted(park.edges)
                    if r == relation and park.nodes[s]["entity"] == start and park.nodes[e]["entity"] == end
                ]
                if pairs:
                    steps.append(
                        (
                            f"UNWIND $pairs AS pair MATCH (s:{start} {{id: pair[0]}}) MATCH (e:{end} {{id: pair[1]}}) "
                            f"CREATE (s)-[:{relation}]->(e)",
                            {"pairs": pairs},
                        )
                    )
        self.run(self.store.write(steps))
