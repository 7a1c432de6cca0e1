"""`fanout` and `broadcast`: alerts to 1,000 subscribers with ids of their own, in deliveries a second.

From the commit to the last receipt.

Bursts of 50 alerts with snapshot fields. Ours: tokens, policies and audit on, one commit. `fanout`'s peer is Node's
graphql-ws on `ws`, an async iterator a subscriber, timed from the publishing; `broadcast`'s is a bare Starlette route
that sends one finished text of the same length. One Node client counts for all of them; the run is void where it
cannot receive 1.5 times our rate from a sender of finished frames.
"""

import asyncio
import json
import statistics
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from bench._peers import Child, child, node, ours
from bench._sides import told

SUBSCRIBERS, BURST, WARM, ROUNDS = 1_000, 50, 2, 7

Burst = Callable[[], Awaitable[int]]
"""Sends a burst to all; when it began."""


class Side:
    def __init__(self, client: Child, burst: Burst) -> None:
        self._client, self._burst = client, burst
        self.rates: list[float] = []
        self.late: list[float] = []  # p99, milliseconds
        self.sample: Any = None

    async def round(self) -> None:
        assert await self._client.ask(str(BURST)) == "waiting"
        began = await self._burst()
        heard = json.loads(await self._client.line())
        self.sample = heard["sample"]
        self.rates.append(SUBSCRIBERS * BURST / (heard["last"] - began) * 1e9)
        self.late.append((heard["p99"] - began) / 1e6)


async def subscribed(client: Child) -> Child:
    assert await client.line() == "ready"
    return client


async def main() -> None:
    folder = await node("fanout")
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context

        async def clients(url: str, *more: str) -> Child:
            url = url.replace("http://", "ws://")
            return await subscribed(
                await enter(child("node", "client.js", url, str(SUBSCRIBERS), *more, folder=folder))
            )

        hub = await enter(child(*ours("_hub")))
        at = json.loads(await hub.line())
        side = Side(
            await clients(f"{at['url']}/graphql", "graphql-transport-ws", at["token"]), burst(hub, f"burst {BURST}")
        )
        await side.round()
        text = side.sample
        peer = await enter(child("node", "server.js", folder=folder))
        theirs = Side(
            await clients(f"http://127.0.0.1:{await peer.line()}/graphql", "graphql-transport-ws"),
            burst(peer, str(BURST)),
        )
        bare = await enter(child(*ours("_broadcast")))
        url = await bare.line()
        bare.tell(text)
        limit = Side(await clients(url, "raw"), burst(bare, str(BURST)))
        literal = await enter(child("node", "literal.js", folder=folder))
        url = f"http://127.0.0.1:{await literal.line()}/"
        literal.tell(text)
        most = Side(await clients(url, "raw"), burst(literal, str(BURST)))
        sides = (side, theirs, limit, most)
        for _ in range(WARM + ROUNDS):
            for each in sides:
                await each.round()
        alike(side.sample, theirs.sample)
        rates = [each.rates[-ROUNDS:] for each in sides]
        late = [statistics.median(each.late[-ROUNDS:]) for each in sides]
    print(f"p99 {late[0]:.0f} ms, graphql-ws {late[1]:.0f} ms", file=sys.stderr)
    if statistics.median(rates[3]) < 1.5 * statistics.median(rates[0]):
        raise SystemExit(f"void: the client receives {statistics.median(rates[3]):.0f}/s at most")
    told("fanout", "graphql-ws on ws", rates[0], rates[1], "deliveries/s")
    told("broadcast", "a bare Starlette route", rates[0], rates[2], "deliveries/s")


def burst(sender: Child, order: str) -> Burst:
    async def send() -> int:
        return int(await sender.ask(order))

    return send


def alike(one: str, other: str) -> None:
    """The same fields, and about as long."""
    left, right = (json.loads(text)["payload"]["data"]["alerts"] for text in (one, other))

    def names(of: Any) -> Any:
        if isinstance(of, dict):
            return {name: names(value) for name, value in of.items()}
        return [names(each) for each in of] if isinstance(of, list) else None

    assert names(left) == names(right), (left, right)
    assert abs(len(one) - len(other)) < 0.1 * len(one), (len(one), len(other))


if __name__ == "__main__":
    asyncio.run(main())
