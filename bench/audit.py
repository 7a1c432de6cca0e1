"""`audit`: a list of 1,000 assets × 10 fields with the audit on, against the same with none.

The embedded engine, two pages of 500 in one document, no answer kept, no personal field selected; from the operation's
text to the encoded answer, as it would go over the wire. The audit is a file with `synchronous=FULL` and its chain is
verified at the end: each answer must be in it. Both sides take turns, request by request.
"""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench._sides import settle, told
from bench.masks import ASSETS, FIRST, LIST, ROUNDS, WARM, fill
from hub.access.audit import keys
from hub.access.audit.audit import Audit
from hub.access.audit.reading import in_thread
from hub.access.audit.store import AuditConfig, open_engines
from hub.access.audit.verify import verify
from hub.access.rights import Everything
from hub.clock import now
from hub.graph.store import GraphConfig, Store
from hub.telemetry import Metrics
from hub.viewer import Mask, Viewer
from hub.web.encoding import decode
from hub.web.execution import Execution
from hub.web.operation import Asker, Operation
from hub.web.releasing import Release
from schema.context import Context, Services
from schema.schema import schema
from tests.servers.embedded import EmbeddedServer

OFFICER = Viewer(subject="officer", issuer="https://issuer.example", roles=frozenset({"duty_officer"}))


class Side:
    def __init__(self, services: Services, audit: Audit | None) -> None:
        def contexts(asker: Asker, mask: Mask) -> Context:
            return Context(services=services, viewer=asker.viewer, mask=mask)

        self._execution = Execution(schema, contexts, Metrics(), Everything(), Release(audit))

    async def ask(self, document: str, variables: Mapping[str, Any]) -> tuple[bytes, float]:
        """The answer, and the milliseconds that it took."""
        operation = Operation(document=document, variables=variables)
        began = time.perf_counter()
        answer = await self._execution.once(operation, Asker(viewer=OFFICER), "http")
        took = (time.perf_counter() - began) * 1000
        assert answer.code is None, answer.body
        return answer.body, took


async def compared(config: GraphConfig, folder: Path) -> tuple[list[float], list[float]]:
    """Requests a second with the audit, and without."""
    store = await Store.open(config)
    await fill(store)
    parts: dict[str, Any] = dict.fromkeys(each.name for each in fields(Services))
    services = Services(**parts | {"store": store, "clock": now, "precedence": {}})
    kept = AuditConfig(folder=folder / "state", key=folder / "audit.key", checkpoint_every=timedelta(seconds=60))
    audit = await Audit.open(kept)
    await audit.settled()
    ours, theirs = Side(services, audit), Side(services, None)
    first: Any = decode((await theirs.ask(FIRST, {}))[0])
    variables = {"after": first["data"]["assets"]["pageInfo"]["endCursor"]}
    answers = [(await side.ask(LIST, variables))[0] for side in (ours, theirs)]
    assert answers[0] == answers[1] and answers[0].count(b'"name"') == ASSETS
    rates: tuple[list[float], list[float]] = ([], [])
    settle(spared=True)
    for number in range(WARM + ROUNDS):
        for side, rate in zip((ours, theirs), rates, strict=True):
            _, took = await side.ask(LIST, variables)
            if number >= WARM:
                rate.append(1000 / took)
    await audit.close()
    await store.close()
    await whole(kept, WARM + ROUNDS + 1)
    return rates


async def whole(kept: AuditConfig, answers: int) -> None:
    engines = open_engines(kept)
    public = keys.signer(kept.key, make=False).public
    found = await in_thread(engines, lambda connection: verify(connection, [public]))
    engines.dispose()
    if not found.holds or found.entries != answers:
        raise SystemExit(f"{answers} answers were given, and the audit has {found}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = EmbeddedServer.start(folder / "engine")
        try:
            ours, theirs = asyncio.run(compared(server.config, folder))
        finally:
            server.stop()
    told("audit", "the same list, no audit", ours, theirs, "requests/s")


if __name__ == "__main__":
    main()
