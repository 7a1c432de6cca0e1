"""Subscriptions through the gateway, to it and from it over WebSocket and server-sent events: each viewer's own."""

import contextlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from tests.federation.conftest import Federation
from tests.federation.park import Park, ask, events, socket, until

pytestmark = pytest.mark.timeout(300)  # the first one starts everything

ALERTS = """subscription ($after: FeedCursor) {
  alerts(after: $after) { cursor type alert { id code subject { name } place { name engines { callSign } } } } }"""
STANDING = "{ places(filter: {kind: [BUILDING]}) { nodes { assets(first: 100) { nodes { name } } } } }"
HEAD = "{ alerts(first: 1) { readAt } }"


def heard(opened: ClientConnection, seconds: float = 20) -> dict[str, Any]:
    """The next event, or the refusal."""
    while True:
        message = json.loads(opened.recv(seconds))
        if message["type"] in ("next", "error"):
            payload = message["payload"]
            return {"errors": payload} if message["type"] == "error" else dict(payload)
        assert message["type"] in ("ping", "pong"), message


def over_socket(stack: ExitStack, url: str, token: str, **variables: object) -> Iterator[dict[str, Any]]:
    opened = stack.enter_context(socket(url, {"authorization": f"Bearer {token}"}, ALERTS, **variables))
    return iter(lambda: heard(opened), None)


def over_events(stack: ExitStack, url: str, token: str, **variables: object) -> Iterator[dict[str, Any]]:
    return stack.enter_context(events(url, token, ALERTS, **variables))


def raised(park: Park, *places: str) -> str:
    """One alert at each place, one after the other; the cursor of before them."""
    url, token = f"{park.url}/graphql", park.token("command")
    before = str(ask(url, token, HEAD)["data"]["alerts"]["readAt"])
    for place in places:
        sensor = f"sensor-{park.number}"
        park.number += 1
        park.measure(place, sensor, 20)
        assert park.hub is not None
        until(lambda sensor=sensor: sensor in str(ask(url, token, STANDING)), park.hub)
        park.measure(place, sensor, 90)
    return before


@pytest.mark.parametrize("follow", [over_socket, over_events])
def test_each_is_told_what_it_may_see(follow, federation: Federation) -> None:
    """Hall b's alert comes first: a tenant of hall a hears of the second one alone. The brigade's part is joined."""
    park = federation.park
    before = raised(park, "hall-b", "hall-a")
    with ExitStack() as stack:
        commander = follow(stack, federation.gateway.url, park.token("command"), after=before)
        tenant = follow(stack, federation.gateway.url, park.token("tenant-a"), after=before)
        both = [next(commander) for _ in range(2)]
        assert all("errors" not in event for event in both), both
        places = [event["data"]["alerts"]["alert"]["place"] for event in both]
        assert places == [
            {"name": "Hall b", "engines": []},
            {"name": "Hall a", "engines": [{"callSign": "Foam 1"}]},
        ]
        first = next(tenant)
        assert first["data"]["alerts"]["alert"]["id"] == both[1]["data"]["alerts"]["alert"]["id"]
        assert first["data"]["alerts"]["alert"]["place"] == {"name": "Hall a", "engines": None}
        assert {error["extensions"]["code"] for error in first["errors"]} == {"FORBIDDEN"}


CLAIMS: list[dict[str, object]] = [
    {},
    {"authorization": "Bearer forged"},
    {"x-user": "wang", "x-roles": "commander", "roles": ["commander"]},
]
DEPLOYED = "subscription { deployed { id endedAt place { name } engine { callSign } } }"


@pytest.mark.parametrize("query", [ALERTS, DEPLOYED])
@pytest.mark.parametrize("payload", CLAIMS)
def test_a_socket_that_only_claims_to_be_somebody_hears_nothing(
    query: str, payload: dict[str, object], federation: Federation
) -> None:
    with socket(federation.gateway.url, payload, query) as opened:
        told = heard(opened)
    assert not told.get("data") and told["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", told


@pytest.mark.parametrize("token", [None, "forged"])
def test_a_stream_of_events_without_a_token_hears_nothing(token: str | None, federation: Federation) -> None:
    with events(federation.gateway.url, token, ALERTS) as told:
        first = next(told)
    assert not first.get("data") and first["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", first


def test_the_departments_own_subscription_has_the_hubs_part(federation: Federation) -> None:
    park, url = federation.park, federation.gateway.url
    token = park.token("command")
    send = """mutation ($engine: ID!, $place: ID!, $key: String!) {
      deployEngine(engine: $engine, place: $place, idempotencyKey: $key) { id } }"""
    end = "mutation ($id: ID!) { endDeployment(deployment: $id) { id } }"
    first = None
    with socket(url, {"authorization": f"Bearer {token}"}, DEPLOYED) as opened:
        for number in range(50):  # until the subscription stands, which nothing tells
            given = {"engine": federation.engine, "place": park.ids["hall-b"], "key": f"streamed {number}"}
            sent = ask(url, token, send, **given)["data"]["deployEngine"]["id"]
            ask(url, token, end, id=sent)
            with contextlib.suppress(TimeoutError):
                first = heard(opened, 0.5)["data"]["deployed"]
                break
        assert first is not None
        second = heard(opened)["data"]["deployed"]
    assert (first["place"], first["engine"]) == ({"name": "Hall b"}, {"callSign": "Foam 1"})
    assert second["id"] == first["id"] and second["endedAt"] and not first["endedAt"]
