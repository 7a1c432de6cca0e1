"""Server-sent events whose token is renewed: the client comes back with a new one, and soon the older stream ends.

The overlap is waited for, and what happens in it is told on both."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from hub.web.renewing import OVERLAP
from tests.web.test_who import STREAM, hub_of, issuer_of_today
from tests.web.tiny import TinyHub

TICKS = "subscription ($after: String) { ticks(after: $after) { cursor } }"
TEXT = 'subscription { ticks(after: "1") { cursor } }'


class Stream:
    def __init__(self, response: httpx.Response) -> None:
        self.ended_at = 0.0
        self._lines = response.aiter_lines()

    async def next(self) -> str:
        async for line in self._lines:
            if line.startswith("data: {"):
                return str(json.loads(line[6:])["data"]["ticks"]["cursor"])
        raise AssertionError("it has ended")

    async def completed(self) -> bool:
        rest = [line async for line in self._lines]
        self.ended_at = asyncio.get_running_loop().time()
        return "event: complete" in rest


@asynccontextmanager
async def stream(
    hub: TinyHub, token: str, query: str = TICKS, after: str | None = None, last: str | None = None
) -> AsyncIterator[Stream]:
    headers = {"authorization": f"Bearer {token}", **STREAM, **({"last-event-id": last} if last else {})}
    body: dict[str, Any] = {"query": query, "variables": {"after": after} if query == TICKS else {}}
    listening = len(hub.listeners)
    async with (
        httpx.AsyncClient(base_url=hub.url, timeout=20) as client,
        client.stream("POST", "/graphql", json=body, headers=headers) as response,
    ):
        await hub.listened_to(listening + 1)
        yield Stream(response)


def test_an_older_stream_ends_five_seconds_after_a_newer_one_goes_on_from_it() -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        at = int(issuer.clock().timestamp())

        def token(until: int, sub: str = "wang") -> str:
            return issuer.token(exp=at + until, sub=sub)

        loop = asyncio.get_running_loop()
        async with (
            hub_of(issuer) as hub,
            stream(hub, token(200)) as by_variable,
            stream(hub, token(200, sub="li")) as by_header,
            stream(hub, token(200, sub="zhao"), TEXT) as by_text,
            stream(hub, token(200, sub="sun")) as unlike,
            stream(hub, token(900, sub="qian")) as same_token,
        ):
            hub.tell(2)
            for each in (by_variable, by_header, by_text, unlike, same_token):
                assert await each.next() == "2"
            began = loop.time()
            async with (
                stream(hub, token(300), after="2") as renewed,
                stream(hub, token(300, sub="li"), last="2"),
                stream(hub, token(300, sub="zhao"), TEXT.replace("1", "2")),
                stream(hub, token(300, sub="sun")),  # from now on: another page
                stream(hub, token(900, sub="qian"), after="2"),  # likewise: its token is no newer one
            ):
                opened = loop.time()
                hub.tell(3)
                assert [await by_variable.next(), await renewed.next()] == ["3", "3"]
                assert (
                    await asyncio.gather(*(each.completed() for each in (by_variable, by_header, by_text)))
                    == [True] * 3
                )
                for each in (by_variable, by_header, by_text):
                    assert began + OVERLAP <= each.ended_at and each.ended_at < opened + OVERLAP + 2
                hub.tell(4)
                assert [await renewed.next(), await unlike.next(), await unlike.next()] == ["4", "3", "4"]
                assert [await same_token.next(), await same_token.next()] == ["3", "4"]

    asyncio.run(scenario())


def test_a_newer_stream_that_is_refused_ends_nothing() -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        at = int(issuer.clock().timestamp())
        async with hub_of(issuer) as hub, stream(hub, issuer.token(exp=at + 200)) as older:
            async with httpx.AsyncClient(base_url=hub.url) as client:
                body = {"query": TICKS, "variables": {"after": "gone"}}
                headers = {"authorization": f"Bearer {issuer.token(exp=at + 300)}", **STREAM}
                assert "CURSOR_GONE" in (await client.post("/graphql", json=body, headers=headers)).text
            await asyncio.sleep(OVERLAP + 0.5)  # that it goes on shows only past the overlap
            hub.tell(2)
            assert await older.next() == "2"

    asyncio.run(scenario())
