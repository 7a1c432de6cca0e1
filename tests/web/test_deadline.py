"""A query past its deadline is gone from Neo4j too, whether it reads by itself or in a batch."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import strawberry
from strawberry.dataloader import DataLoader

from hub.graph.store import GraphConfig, Store
from hub.telemetry import Metrics
from hub.web.application import create_application
from hub.web.config import WebConfig
from hub.web.health import Probes
from hub.web.limits import Limits
from tests.servers.neo4j import Neo4j

ENDLESS = "UNWIND range(1, 1000000000000) AS n WITH n WHERE n % 7 = $seven RETURN count(n) AS endless"
RUNNING = "SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery CONTAINS 'endless' RETURN currentQuery"


async def endless(store: Store) -> int:
    """Ten minutes are allowed to the statement itself."""
    return len(await store.read(ENDLESS, {"seven": 3}, seconds=600.0))


@strawberry.type
class Query:
    @strawberry.field
    async def read(self, info: strawberry.Info) -> int:
        return await endless(info.context["store"])

    @strawberry.field
    async def batch(self, info: strawberry.Info) -> int:
        store = info.context["store"]

        async def load(keys: list[int]) -> list[int]:
            return [await endless(store) for _ in keys]

        return await DataLoader(load_fn=load).load(1)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def test_what_the_graph_does_for_a_query_ends_with_it(neo4j: Neo4j) -> None:
    async def scenario() -> None:
        store, other = await Store.open(GraphConfig(uri=neo4j.uri)), await Store.open(GraphConfig(uri=neo4j.uri))

        async def running() -> int:
            return len([row for row in await other.read(RUNNING, {}) if "SHOW" not in str(row["currentQuery"])])

        async def over() -> bool:
            return await running() == 0

        await store.read("RETURN 1 AS one", {})  # an engine that was just started takes its time for the first
        assert await over()
        application = create_application(
            strawberry.Schema(query=Query),
            lambda *_: {"store": store},
            WebConfig(limits=Limits(deadline_seconds=8.0)),
            metrics=Metrics(),
            probes=Probes(),
        )
        transport = httpx.ASGITransport(application, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
            asking = asyncio.create_task(client.post("/graphql", json={"query": "{ read batch }"}))

            async def both_run() -> bool:
                return asking.done() or await running() == 2

            await until(both_run)
            assert not asking.done(), (await asking).text
            said: dict[str, Any] = (await asking).json()
            assert said["errors"][0]["extensions"]["code"] == "DEADLINE_EXCEEDED"
            await until(over)
        await store.close()
        await other.close()

    asyncio.run(scenario())
