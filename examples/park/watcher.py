"""A GraphQL subscriber over graphql-transport-ws, as a dashboard would be one: keeps its cursor and resumes from it."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

ALERTS = """subscription Alerts($after: FeedCursor) {
  alerts(after: $after) {
    cursor
    type
    alert { id severity state code quantity value limit unit openedAt subject { id name } placePath { name } }
  }
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An event as it arrived; `at` is time.monotonic."""

    at: float
    cursor: str
    type: str
    alert: Mapping[str, Any]


class Watcher:
    """Collects alert events until it is cancelled; a connection that ends is opened anew with the last cursor."""

    def __init__(self, address: str, after: str | None = None) -> None:
        self.address = address
        self.cursor = after
        self.events: list[Seen] = []
        self.connected = asyncio.Event()
        self.reconnects = -1
        self._news = asyncio.Condition()

    async def run(self) -> None:
        while True:
            try:
                await self._follow()
            except (OSError, WebSocketException, TimeoutError):
                self.connected.clear()
                await asyncio.sleep(0.2)

    async def _follow(self) -> None:
        url = f"ws://{self.address}/graphql"
        async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], open_timeout=5) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            if json.loads(await socket.recv())["type"] != "connection_ack":
                raise OSError("the hub did not acknowledge the connection")
            payload = {"query": ALERTS, "variables": {"after": self.cursor}}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            self.reconnects += 1
            self.connected.set()
            async for text in socket:
                await self._take(json.loads(text))

    async def _take(self, message: Mapping[str, Any]) -> None:
        if message["type"] in {"error", "complete"}:
            raise OSError(f"the subscription ended: {message.get('payload')}")
        if message["type"] != "next":
            return
        if errors := message["payload"].get("errors"):
            raise OSError(f"the subscription answered errors: {errors}")
        event = message["payload"]["data"]["alerts"]
        seen = Seen(at=time.monotonic(), cursor=event["cursor"], type=event["type"], alert=event["alert"])
        self.cursor = seen.cursor
        async with self._news:
            self.events.append(seen)
            self._news.notify_all()

    async def wait_for(self, type_: str, name: str, code: str, seconds: float) -> Seen:
        """The first event of that type about the subject `name` with that alert code, past or to come."""
        key = (type_, name, code)
        return await self._wait(
            lambda seen: (seen.type, seen.alert["subject"]["name"], seen.alert["code"]) == key, seconds
        )

    async def wait_for_code(self, type_: str, code: str, seconds: float) -> Seen:
        """The first event of that type with that alert code, past or to come."""
        return await self._wait(lambda seen: (seen.type, seen.alert["code"]) == (type_, code), seconds)

    async def _wait(self, wanted: Callable[[Seen], bool], seconds: float) -> Seen:
        read = 0
        async with asyncio.timeout(seconds), self._news:
            while True:
                for seen in itertools.islice(self.events, read, None):
                    if wanted(seen):
                        return seen
                read = len(self.events)
                await self._news.wait()

    async def follow(self) -> AsyncIterator[Seen]:
        """Every event, past and to come."""
        told = 0
        while True:
            async with self._news:
                while len(self.events) == told:
                    await self._news.wait()
            yield self.events[told]
            told += 1


async def ask(address: str, query: str, variables: Mapping[str, object] | None = None) -> Any:
    """The data of one query or mutation; raises RuntimeError with its errors, ConnectionError without an answer."""
    try:
        async with httpx.AsyncClient(base_url=f"http://{address}", timeout=10) as client:
            answer = (await client.post("/graphql", json={"query": query, "variables": variables or {}})).json()
    except httpx.HTTPError as error:
        raise ConnectionError(f"the hub does not answer: {error}") from error
    if answer.get("errors"):
        raise RuntimeError(json.dumps(answer["errors"], ensure_ascii=False))
    return answer["data"]
