"""What an attempt is: something that must be refused, beside the same thing done rightly, which must succeed."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.attacks.park import Park

Attack = Callable[[Park], str]
"""Tries it; how it was refused. Raises GotThrough."""
Companion = Callable[[Park], None]
"""The same with the right credential; raises AssertionError where that does not succeed."""


class GotThrough(AssertionError):
    """What must be refused was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    name: str
    tries: str
    attack: Attack
    companion: Companion


COUNT = "{ organizations { totalCount } }"
ALERTS = "subscription { alerts { cursor type } }"


def must(holds: object, what: object) -> None:
    if not holds:
        raise GotThrough(str(what)[:300])


def refused(answer: httpx.Response, *statuses: int) -> str:
    """An answer with one of the statuses and without data."""
    must(answer.status_code in statuses, f"{answer.status_code} {answer.text}")
    try:
        body = answer.json()
    except ValueError:
        return f"{answer.status_code} {answer.text[:60]}"
    must(not (isinstance(body, Mapping) and body.get("data")), body)
    if isinstance(body, Mapping) and body.get("errors"):
        return f"{answer.status_code} {body['errors'][0]['extensions']['code']}"
    return f"{answer.status_code} {body.get('error', '') if isinstance(body, Mapping) else ''}".rstrip()


def refused_by_code(body: Mapping[str, Any], *codes: str) -> str:
    """An answer whose first error has one of the codes, and of which no data came."""
    errors = body.get("errors") or []
    data = body.get("data") or {}
    must(errors and not any(data.values()), body)
    code = str(errors[0]["extensions"]["code"])
    must(code in codes, body)
    return code


def answered(body: Mapping[str, Any]) -> dict[str, Any]:
    """The data of an answer without errors."""
    assert not body.get("errors"), body
    return dict(body["data"])


def opened(park: Park, *, origin: str | None = None, query: str = "") -> ClientConnection:
    """A WebSocket, before `connection_init`."""
    return connect(
        f"ws://127.0.0.1:{park.port}/graphql{query}",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        origin=None if origin is None else Origin(origin),
        open_timeout=20,
    )


@contextmanager
def greeted(park: Park, token: str | None, **payload: object) -> Iterator[ClientConnection]:
    """A WebSocket after `connection_init` and its acknowledgement."""
    given = {"authorization": f"Bearer {token}"} if token else {}
    with opened(park) as socket:
        say(socket, type="connection_init", payload={**given, **payload})
        assert hear(socket)["type"] == "connection_ack"
        yield socket


def say(socket: ClientConnection, **message: object) -> None:
    socket.send(json.dumps(message))


def hear(socket: ClientConnection, seconds: float = 20) -> dict[str, Any]:
    return dict(json.loads(socket.recv(timeout=seconds)))


def closed_with(socket: ClientConnection, *codes: int, seconds: float = 20) -> str:
    """Reads until the hub closes; what it said before must hold no data."""
    try:
        while True:
            message = hear(socket, seconds)
            must(message["type"] in ("pong", "ping", "connection_ack", "complete"), message)
    except ConnectionClosed as ended:
        code = ended.rcvd.code if ended.rcvd is not None else 0
        must(code in codes, f"closed with {code}")
        return f"closed {code}"
    except TimeoutError:
        raise GotThrough("the connection stays open") from None


def not_opened(park: Park, *, origin: str | None = None, query: str = "") -> str:
    try:
        with opened(park, origin=origin, query=query):
            raise GotThrough("the WebSocket opened")
    except InvalidStatus as error:
        return f"HTTP {error.response.status_code}"


def subscribed(park: Park, token: str, query: str = ALERTS) -> None:
    """A subscription stands: the hub answers a ping behind it and nothing was refused."""
    with greeted(park, token) as socket:
        say(socket, id="1", type="subscribe", payload={"query": query})
        say(socket, type="ping")
        message = hear(socket)
        assert message["type"] in ("pong", "next"), message
