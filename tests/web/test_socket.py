"""GraphQL over a WebSocket as a client meets it: the protocol, its close codes, sharing, and the end of the hub."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from hub.web.config import WebConfig
from tests.web.tiny import TinyHub, running

TICKS = "subscription { ticks { cursor number } }"


@asynccontextmanager
async def socket(hub: TinyHub, *, init: bool = True, protocol: str | None = None) -> AsyncIterator[ClientConnection]:
    address = hub.url.replace("http://", "ws://") + "/graphql"
    async with connect(address, subprotocols=[protocol or "graphql-transport-ws"]) as connection:  # type: ignore[list-item]
        if init:
            await say(connection, type="connection_init")
            assert await hear(connection) == {"type": "connection_ack"}
        yield connection


async def say(connection: ClientConnection, **message: object) -> None:
    await connection.send(json.dumps(message))


async def hear(connection: ClientConnection) -> dict[str, object]:
    async with asyncio.timeout(10):
        heard = json.loads(await connection.recv())
    assert isinstance(heard, dict)
    return heard


async def closed(connection: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as error:
        async with asyncio.timeout(10):
            while True:
                await connection.recv()
    assert error.value.rcvd is not None
    return error.value.rcvd.code


def test_events_reach_a_subscriber_until_it_says_complete() -> None:
    async def scenario() -> None:
        async with running() as hub, socket(hub) as connection:
            await say(connection, type="subscribe", id="a", payload={"query": TICKS})
            await hub.listened_to(by=1)
            hub.tell(7)
            assert await hear(connection) == {
                "id": "a",
                "type": "next",
                "payload": {
                    "data": {"ticks": {"cursor": "7", "number": 7}},
                    "extensions": {"cost": {"requested": 2}},
                },
            }
            await say(connection, type="complete", id="a")
            await hub.listened_to(by=0)
            await say(connection, type="subscribe", id="a", payload={"query": "{ greeting }"})
            assert (await hear(connection))["payload"]["data"] == {"greeting": "hello park"}
            assert await hear(connection) == {"id": "a", "type": "complete"}
            await say(connection, type="ping", payload={"n": 1})
            assert await hear(connection) == {"type": "pong", "payload": {"n": 1}}

    asyncio.run(scenario())


def test_an_operation_that_cannot_run_ends_with_an_error_and_the_others_live() -> None:
    async def scenario() -> None:
        async with running() as hub, socket(hub) as connection:
            await say(connection, type="subscribe", id="good", payload={"query": TICKS})
            for document, code in (
                ("{", "BAD_REQUEST"),
                ("subscription { nosuch }", "BAD_REQUEST"),
                ("query A { greeting } query B { greeting }", "BAD_REQUEST"),
                ('subscription { ticks(after: "gone") { number } }', "CURSOR_GONE"),
                ("subscription ($a: Int!) { ticks { plus(by: $a) } }", "BAD_REQUEST"),
            ):
                await say(connection, type="subscribe", id="bad", payload={"query": document})
                heard = await hear(connection)
                assert (heard["id"], heard["type"]) == ("bad", "error")
                assert heard["payload"][0]["extensions"]["code"] == code  # type: ignore[index]
            await hub.listened_to(by=1)
            hub.tell(1)
            assert (await hear(connection))["id"] == "good"
            hub.tell(-1)
            broken = await hear(connection)
            assert (broken["type"], broken["payload"][0]["extensions"]["code"]) == ("error", "INTERNAL")  # type: ignore[index]
            assert "swordfish" not in json.dumps(broken)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["{"], 4400),
        (["[]"], 4400),
        ([b"bytes"], 4400),
        ([{"type": "nosuch"}], 4400),
        ([{"type": "subscribe", "id": "a", "payload": {"query": TICKS}}], 4401),
        ([{"type": "connection_init", "payload": 3}], 4400),
        ([{"type": "connection_init"}, {"type": "connection_init"}], 4429),
        ([{"type": "connection_init"}, {"type": "nosuch"}], 4400),
        ([{"type": "connection_init"}, {"type": "subscribe", "payload": {"query": TICKS}}], 4400),
        ([{"type": "connection_init"}, {"type": "subscribe", "id": "a", "payload": {}}], 4400),
        ([{"type": "connection_init"}, *([{"type": "subscribe", "id": "a", "payload": {"query": TICKS}}] * 2)], 4409),
    ],
)
def test_who_breaks_the_protocol_is_closed_with_the_protocols_code(messages: list[object], code: int) -> None:
    async def scenario() -> None:
        async with running() as hub, socket(hub, init=False) as connection:
            for message in messages:
                await connection.send(message if isinstance(message, str | bytes) else json.dumps(message))
            assert await closed(connection) == code

    asyncio.run(scenario())


def test_the_older_protocol_is_refused_and_a_silent_client_is_closed() -> None:
    async def scenario() -> None:
        async with running(WebConfig(port=0, init_seconds=0.05)) as hub:
            address = hub.url.replace("http://", "ws://") + "/graphql"
            async with connect(address) as connection:
                assert await closed(connection) == 4406
            async with socket(hub, init=False) as connection:
                assert await closed(connection) == 4408

    asyncio.run(scenario())


def test_a_connection_holds_so_many_operations_and_no_more() -> None:
    async def scenario() -> None:
        async with running(WebConfig(port=0, operations_per_socket=2)) as hub, socket(hub) as connection:
            for name in ("a", "b", "c"):
                await say(connection, type="subscribe", id=name, payload={"query": TICKS})
            heard = await hear(connection)
            assert (heard["id"], heard["type"]) == ("c", "error")
            assert heard["payload"][0]["extensions"]["code"] == "RATE_LIMITED"  # type: ignore[index]

    asyncio.run(scenario())


def test_equal_subscribers_share_one_execution_and_different_ones_get_their_own_words() -> None:
    async def scenario() -> None:
        async with running() as hub, socket(hub) as one, socket(hub) as two:
            with_variable = "subscription ($after: String, $by: Int!) { ticks(after: $after) { number plus(by: $by) } }"
            for connection, name, by, after in (
                (one, "a", 1, None),
                (one, "b", 1, "0"),
                (two, "c", 1, "3"),
                (two, "d", 5, "0"),
            ):
                payload = {"query": with_variable, "variables": {"by": by, "after": after}}
                await say(connection, type="subscribe", id=name, payload=payload)
            await hub.listened_to(by=4)
            hub.tell(9)
            heard = {}
            for connection in (one, one, two, two):
                message = await hear(connection)
                heard[message["id"]] = message["payload"]["data"]["ticks"]["plus"]  # type: ignore[index]
            assert heard == {"a": 10, "b": 10, "c": 10, "d": 14}
            assert hub.executions == ["9", "9"]  # once for by: 1, once for by: 5

    asyncio.run(scenario())


def test_a_hub_that_stops_closes_its_sockets_as_a_restart_and_drains() -> None:
    async def scenario() -> None:
        async with running() as hub, socket(hub) as connection:
            await say(connection, type="subscribe", id="a", payload={"query": TICKS})
            await hub.listened_to(by=1)
            hub.stop.set()
            assert await closed(connection) == 1012
            await hub.listened_to(by=0)

    asyncio.run(scenario())


def test_one_connection_runs_a_few_queries_at_a_time_and_its_stream_goes_on() -> None:
    async def scenario() -> None:
        config = WebConfig(port=0, running_per_socket=3)
        async with running(config) as hub, socket(hub) as connection:
            await say(connection, type="subscribe", id="live", payload={"query": TICKS})
            await hub.listened_to(by=1)
            for number in range(20):
                await say(connection, type="subscribe", id=f"q{number}", payload={"query": "{ together }"})
            hub.tell(7)
            told = [await hear(connection) for _ in range(41)]
            counts = [
                each["payload"]["data"]["together"] for each in told if each["id"] != "live" and "payload" in each
            ]
            assert len(counts) == 20
            assert max(counts) <= 3
            assert any(each["id"] == "live" for each in told[:-1])

    asyncio.run(scenario())


def test_a_client_that_takes_nothing_is_let_go_and_the_others_are_told_on() -> None:
    async def scenario() -> None:
        config = WebConfig(port=0, stall_seconds=0.3)
        async with running(config) as hub, socket(hub) as stalled, socket(hub) as quick:
            for connection in (stalled, quick):
                await say(connection, type="subscribe", id="a", payload={"query": TICKS})
            await hub.listened_to(by=2)
            stalled.transport.pause_reading()
            large = {"query": "query ($n: String!) { greeting(name: $n) }", "variables": {"n": "x" * 400_000}}

            async def ask() -> None:
                for number in range(60):  # more than the sockets' buffers hold
                    await say(stalled, type="subscribe", id=f"q{number}", payload=large)

            asking = asyncio.create_task(ask())
            await hub.listened_to(by=1)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            hub.tell(1)
            assert (await hear(quick))["payload"]["data"] == {"ticks": {"cursor": "1", "number": 1}}
            stalled.transport.resume_reading()
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    await stalled.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1013  # try again later, which clients do by themselves
            assert "after" in closed.value.rcvd.reason

    asyncio.run(scenario())
