"""`masks`: a list of 1,000 assets × 10 fields for a viewer from whom fields are masked, against one who sees them all.

The embedded engine, two pages of 500 in one document, no answer kept; from the viewer to the answer's values, so that
the rights are asked anew for each request. Two of the ten fields are masked, one in part and one whole; the others'
values are compared first. Both viewers take turns, request by request.
"""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from strawberry.types import ExecutionResult

from bench._sides import settle, told
from hub.access.policy.catalogue import declared
from hub.access.policy.load import load
from hub.access.policy.policies import Policies
from hub.access.rights import Everything, Rights
from hub.clock import now
from hub.graph.changes import chunks
from hub.graph.derive import create_nodes, entities
from hub.graph.migrate import migrate
from hub.graph.rows import iso
from hub.graph.selection import MASKABLE
from hub.graph.store import GraphConfig, Store
from hub.viewer import LOCAL_ADMINISTRATOR, Action, Viewer
from schema.context import Context, Services
from schema.schema import schema
from tests.servers.embedded import EmbeddedServer

ASSETS, WARM, ROUNDS = 1_000, 10, 60  # assets, requests of each side
FIELDS = "id kind name manufacturer model serialNumber firmware deviceType channel online"
FIRST = f"query {{ assets(first: 500) {{ nodes {{ {FIELDS} }} pageInfo {{ endCursor }} }} }}"
LIST = f"""query ($after: String!) {{
  one: assets(first: 500) {{ nodes {{ {FIELDS} }} }}
  two: assets(first: 500, after: $after) {{ nodes {{ {FIELDS} }} }} }}"""
GUARD = Viewer(subject="guard", roles=frozenset({"guard"}))
MASKED = {"serialNumber": "****", "firmware": "****"}
POLICIES = """
@id("assets") @scope("everything") @mask("SHOW")
permit (principal in Role::"guard", action == Action::"read", resource in Type::"Asset")
unless { [Field::"Asset.serial_number", Field::"Asset.firmware"].contains(resource) };
@id("serial") @scope("everything") @mask("MASK_LAST4")
permit (principal in Role::"guard", action == Action::"read", resource == Field::"Asset.serial_number");
@id("firmware") @scope("everything") @mask("MASK_ALL")
permit (principal in Role::"guard", action == Action::"read", resource == Field::"Asset.firmware");
"""


async def fill(store: Store) -> None:
    await migrate(store, now)
    seen = iso(now())
    rows = [
        {
            "id": f"a{n:04}",
            "retired": False,
            "sources": ["survey"],
            "observed": [seen],
            "kind": "SENSOR",
            "name": f"设备 {n}",
            "manufacturer": "某厂",
            "model": f"M{n % 7}",
            "serial_number": f"SN{n:08}",
            "firmware": "V5.1.2",
            "device_type": "点型感烟火灾探测器",
            "channel": str(n % 64),
            "online": n % 9 > 0,
        }
        for n in range(ASSETS)
    ]
    for some in chunks(rows, 500):
        await store.write([(create_nodes("Asset", entities()["Asset"].second["SENSOR"]), {"rows": list(some)})])


class Side:
    """One viewer under one set of rights."""

    def __init__(self, services: Services, rights: Rights, viewer: Viewer) -> None:
        self._services, self._rights, self._viewer = services, rights, viewer

    async def ask(self, document: str, variables: Mapping[str, Any]) -> tuple[Mapping[str, Any], float]:
        """The data, and the milliseconds that it took."""
        began = time.perf_counter()
        mask = self._rights.mask(self._viewer, Action.READ)
        context = Context(services=self._services, viewer=self._viewer, mask=mask)
        result = await schema.execute(document, variable_values=dict(variables), context_value=context)
        took = (time.perf_counter() - began) * 1000
        assert isinstance(result, ExecutionResult) and not result.errors and result.data, result
        return result.data, took


async def compared(config: GraphConfig, rights: Rights) -> tuple[list[float], list[float]]:
    """Requests a second with masked fields, and with none."""
    store = await Store.open(config)
    await fill(store)
    parts: dict[str, Any] = dict.fromkeys(each.name for each in fields(Services))
    services = Services(**parts | {"store": store, "clock": now, "precedence": {}})
    ours, theirs = Side(services, rights, GUARD), Side(services, Everything(), LOCAL_ADMINISTRATOR)
    first, _ = await theirs.ask(FIRST, {})
    variables = {"after": first["assets"]["pageInfo"]["endCursor"]}
    same(*[(await side.ask(LIST, variables))[0] for side in (ours, theirs)])
    rates: tuple[list[float], list[float]] = ([], [])
    settle(spared=True)
    for number in range(WARM + ROUNDS):
        for side, rate in zip((ours, theirs), rates, strict=True):
            _, took = await side.ask(LIST, variables)
            if number >= WARM:
                rate.append(1000 / took)
    await store.close()
    return rates


def same(masked: Mapping[str, Any], whole: Mapping[str, Any]) -> None:
    """What is not masked is equal, and what is masked is so."""
    for page in ("one", "two"):
        assert len(masked[page]["nodes"]) == len(whole[page]["nodes"]) == 500
        for left, right in zip(masked[page]["nodes"], whole[page]["nodes"], strict=True):
            for name, value in right.items():
                assert left[name].startswith(MASKED[name]) if name in MASKED else left[name] == value, (name, left)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "park.cedar").write_text(POLICIES, encoding="utf-8")
        policies = Policies(load(folder, declared(MASKABLE)))
        server = EmbeddedServer.start(folder / "engine")
        try:
            ours, theirs = asyncio.run(compared(server.config, policies))
        finally:
            server.stop()
    told("masks", "the same list, nothing masked", ours, theirs, "requests/s")


if __name__ == "__main__":
    main()
