"""The hub of the benches that ask over HTTP: a park through a real journal and projector, tokens verified, policies and
audit on.

`python -m bench._asking PARK ENGINE [memory] [kept]`: PARK is one of `bench._park`; ENGINE is `embedded` or the address
of a Neo4j. `memory`: what was once read is not asked of the engine again, so that its rows are in memory. `kept`:
answers are kept as in a hub; without it each is made anew. Prints the URL and a token as JSON once the graph shows all;
ends with its standard input.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import uvloop

from bench._hub import a_token
from bench._park import PARKS
from hub.access.audit.audit import Audit
from hub.access.audit.store import AuditConfig
from hub.access.policy.catalogue import declared
from hub.access.policy.load import load
from hub.access.policy.policies import Policies
from hub.clock import now
from hub.graph.embedded import Embedded
from hub.graph.projector import Projector
from hub.graph.selection import MASKABLE
from hub.graph.store import GraphConfig, Store
from hub.ingest.collector import spare_collector
from hub.journal.log import Journal, JournalConfig
from hub.telemetry import Metrics
from hub.viewer import Mask
from hub.web.application import create_application
from hub.web.config import WebConfig
from hub.web.health import Probes
from hub.web.limits import Limits
from hub.web.operation import Asker
from hub.web.server import serve
from schema.context import Context, Services
from schema.schema import schema

WEB = WebConfig(port=0, limits=Limits(budget=0))  # one client asks for more than a client may


class Remembered:
    """A store that asks the engine for the same thing once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[tuple[str, bytes], list[dict[str, object]]] = {}

    async def read(self, statement: str, parameters: Mapping[str, object]) -> list[dict[str, object]]:
        key = statement, orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS)
        if key not in self._held:
            self._held[key] = await self._store.read(statement, parameters)
        return self._held[key]


async def main(kind: str, engine: str, *options: str) -> None:
    with TemporaryDirectory() as name:
        async with AsyncExitStack() as stack:
            folder = Path(name)
            config = GraphConfig(uri=engine)
            if engine == "embedded":
                embedded = Embedded(folder / "engine", now)
                stack.push_async_callback(embedded.stop)
                config = await embedded.start()
            store = await Store.open(config)
            stack.push_async_callback(store.close)
            journal = await Journal.open(JournalConfig(url="sqlite", folder=folder / "journal"))
            stack.push_async_callback(journal.close)
            await PARKS[kind](journal)
            projector = Projector(journal, store, now, {})
            projecting = asyncio.create_task(projector.run())
            if not await projector.wait_for(journal.head, 120):
                raise SystemExit("the graph does not come to show the park")
            audit = await Audit.open(AuditConfig(folder=folder / "audit", key=folder / "audit.key"))
            stack.push_async_callback(audit.close)
            await audit.settled()
            parts: dict[str, Any] = dict.fromkeys(each.name for each in fields(Services))  # the questions need no more
            rows = Remembered(store) if "memory" in options else store
            parts |= {"journal": journal, "store": rows, "projection": projector, "clock": now, "precedence": {}}
            services = Services(**parts)

            def context(asker: Asker, mask: Mask) -> Context:
                return Context(services=services, viewer=asker.viewer, mask=mask, language=asker.language)

            authority, token = a_token()
            application = create_application(
                schema,
                context,
                WEB,
                metrics=Metrics(),
                probes=Probes(),
                authority=authority,
                rights=Policies(load(None, declared(MASKABLE))),
                audit=audit,
                standing=(lambda: projector.standing) if "kept" in options else None,
            )
            spare_collector()  # as the hub does
            stop = asyncio.Event()
            told = lambda url: print(json.dumps({"url": f"{url}/graphql", "token": token}), flush=True)  # noqa: E731
            async with asyncio.TaskGroup() as group:
                group.create_task(serve(application, WEB, stop, told))
                await asyncio.to_thread(sys.stdin.read)
                stop.set()
            projecting.cancel()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
