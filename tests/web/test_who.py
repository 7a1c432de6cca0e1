"""Who asks, on all three transports: what is refused without a token, what one opens, and what its end closes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from starlette.testclient import TestClient
from websockets.asyncio.client import ClientConnection, connect

from hub.clock import now
from hub.viewer import SHOW_ALL, Action, Grant, Mask, Scope, Viewer
from hub.web.config import WebConfig
from hub.web.guard import refuse_to_leave_loopback
from hub.web.health import Part, PartState, Probes
from tests.access.issuing import TestIssuer
from tests.web.test_socket import closed, hear, say
from tests.web.tiny import TinyHub, running

QUERY = {"query": "{ greeting }"}
TICKS = {"query": "subscription { ticks { cursor number } }"}
STREAM = {"accept": "text/event-stream"}


class Policies:
    """Rights that a test changes: who has one of the roles is shown everything, within a scope of the organization."""

    def __init__(self) -> None:
        self.allowed: dict[Action, set[str]] = {action: {"guard"} for action in Action}
        self.version = "1"

    def mask(self, viewer: Viewer, action: Action) -> Mask:
        if not viewer.roles & self.allowed[action]:
            return ()
        if viewer.organization is None:
            return SHOW_ALL
        return (Grant(scope=Scope(name="own_organization", parameters={"organizations": (viewer.organization,)})),)


def issuer_of_today() -> TestIssuer:
    issuer = TestIssuer(organization_claim="org", leeway=timedelta(0))
    issuer.clock.moment = now()
    return issuer


@asynccontextmanager
async def hub_of(issuer: TestIssuer, policies: Policies | None = None) -> AsyncIterator[TinyHub]:
    rights = policies or Policies()
    async with running(authority=issuer.tokens, rights=rights, clock=issuer.clock) as hub:
        yield hub


@asynccontextmanager
async def socket(hub: TinyHub, **payload: object) -> AsyncIterator[ClientConnection]:
    address = hub.url.replace("http://", "ws://") + "/graphql"
    async with connect(address, subprotocols=["graphql-transport-ws"]) as connection:  # type: ignore[list-item]
        await say(connection, type="connection_init", payload=payload)
        yield connection


@asynccontextmanager
async def open_socket(hub: TinyHub, token: str, **payload: object) -> AsyncIterator[ClientConnection]:
    async with socket(hub, authorization=f"Bearer {token}", **payload) as connection:
        assert await hear(connection) == {"type": "connection_ack"}
        yield connection


def test_http_refuses_with_a_challenge_and_answers_the_right_token() -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        async with hub_of(issuer) as hub, httpx.AsyncClient(base_url=hub.url) as client:
            for accept in ("application/json", "text/event-stream"):
                bare = await client.post("/graphql", json=QUERY, headers={"accept": accept})
                assert (bare.status_code, bare.headers["www-authenticate"]) == (401, 'Bearer realm="causeway"')
                assert bare.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
            wrong = await client.post("/graphql", json=QUERY, headers={"authorization": "Bearer x.y.z"})
            assert (wrong.status_code, "invalid_token" in wrong.headers["www-authenticate"]) == (401, True)
            right = {"authorization": f"Bearer {issuer.token()}"}
            assert (await client.post("/graphql", json=QUERY, headers=right)).json()["data"] == {
                "greeting": "hello park"
            }
            lacking = await client.post("/graphql", json=QUERY, headers={**right, "causeway-purpose": "spying"})
            assert (lacking.status_code, "insufficient_scope" in lacking.headers["www-authenticate"]) == (403, True)
            assert lacking.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
            good = await client.post("/graphql", json=QUERY, headers={**right, "causeway-purpose": "duty"})
            assert good.status_code == 200
            issuer.clock.advance(timedelta(seconds=301))
            assert (await client.post("/graphql", json=QUERY, headers=right)).status_code == 401

    asyncio.run(scenario())


def test_a_token_in_the_address_or_two_tokens_are_refused() -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        async with hub_of(issuer) as hub, httpx.AsyncClient(base_url=hub.url) as client:
            token = issuer.token()
            address = f"/graphql?access_token={token}"
            right = {"authorization": f"Bearer {token}"}
            for headers in ({}, right):
                refused = await client.post(address, json=QUERY, headers=headers)
                assert (refused.status_code, token in refused.text) == (400, False)
            twice = [("authorization", f"Bearer {issuer.token()}"), ("authorization", f"Bearer {token}")]
            assert (await client.post("/graphql", json=QUERY, headers=twice)).status_code == 400
            url = hub.url.replace("http://", "ws://") + address
            async with connect(url, subprotocols=["graphql-transport-ws"]) as connection:  # type: ignore[list-item]
                await say(connection, type="connection_init", payload={"authorization": f"Bearer {token}"})
                assert await closed(connection) == 4400
            assert (await client.post("/graphql", json=QUERY, headers=right)).status_code == 200

    asyncio.run(scenario())


def test_an_unauthenticated_client_s_body_is_not_read() -> None:
    async def scenario() -> None:
        async with hub_of(issuer_of_today()) as hub, httpx.AsyncClient(base_url=hub.url) as client:
            refused = await client.post("/graphql", content=b"{", headers={"content-type": "application/json"})
            assert refused.status_code == 401

    asyncio.run(scenario())


def test_an_issuer_that_is_down_is_told_as_503_and_the_known_keys_go_on() -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        issuer.down = True
        async with hub_of(issuer) as hub, httpx.AsyncClient(base_url=hub.url) as client:
            right = {"authorization": f"Bearer {issuer.token()}"}
            refused = await client.post("/graphql", json=QUERY, headers=right)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert refused.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
            issuer.down, issuer.monotonic = False, issuer.monotonic + 11
            assert (await client.post("/graphql", json=QUERY, headers=right)).status_code == 200

    asyncio.run(scenario())


def test_a_socket_without_a_token_is_closed_and_one_with_it_is_open() -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        async with hub_of(issuer) as hub:
            for payload, code in (
                ({}, 4401),
                ({"authorization": "Bearer x.y.z"}, 4401),
                ({"authorization": f"Bearer {issuer.token()}", "purpose": "spying"}, 4403),
                ({"authorization": 5}, 4400),
            ):
                async with socket(hub, **payload) as connection:
                    assert await closed(connection) == code
            async with open_socket(hub, issuer.token(), purpose="duty") as connection:
                await say(connection, type="subscribe", id="a", payload=QUERY)
                assert (await hear(connection))["payload"]["data"] == {"greeting": "hello park"}

    asyncio.run(scenario())


def test_a_socket_is_renewed_in_the_middle_of_a_stream_without_a_gap() -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        async with hub_of(issuer) as hub, open_socket(hub, issuer.token()) as connection:
            await say(connection, type="subscribe", id="a", payload=TICKS)
            await hub.listened_to(by=1)
            for number in range(1, 4):
                issuer.clock.advance(timedelta(seconds=200))  # past the first token's end at the second turn
                await say(connection, type="ping", payload={"authorization": f"Bearer {issuer.token()}"})
                assert await hear(connection) == {"type": "pong"}
                hub.tell(number)
                assert (await hear(connection))["payload"]["data"] == {
                    "ticks": {"cursor": str(number), "number": number}
                }
            issuer.clock.advance(timedelta(seconds=301))
            assert await closed(connection) == 4401

    asyncio.run(scenario())


@pytest.mark.parametrize("wrong", [{"sub": "li"}, {"exp": 1}, {"aud": "https://other.example"}])
def test_a_socket_is_not_renewed_by_another_subject_s_token_or_a_wrong_one(wrong: dict[str, object]) -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        async with hub_of(issuer) as hub, open_socket(hub, issuer.token()) as connection:
            await say(connection, type="ping", payload={"authorization": f"Bearer {issuer.token(**wrong)}"})
            assert await closed(connection) == 4401

    asyncio.run(scenario())


def test_a_renewal_while_the_issuer_is_down_leaves_the_stream_to_its_old_token() -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        async with hub_of(issuer) as hub, open_socket(hub, issuer.token()) as connection:
            await say(connection, type="subscribe", id="a", payload=TICKS)
            await hub.listened_to(by=1)
            issuer.down = True
            issuer.monotonic += 11
            await say(
                connection, type="ping", payload={"authorization": f"Bearer {issuer.token(header={'kid': 'new'})}"}
            )
            told = await hear(connection)
            assert (told["type"], told["payload"]["errors"][0]["extensions"]["code"]) == ("pong", "UNAUTHENTICATED")  # type: ignore[index]
            hub.tell(1)
            assert (await hear(connection))["type"] == "next"

    asyncio.run(scenario())


def test_a_ping_does_not_give_a_token_back() -> None:
    async def scenario() -> None:
        async with hub_of(issuer_of_today()) as hub:
            address = hub.url.replace("http://", "ws://") + "/graphql"
            async with connect(address, subprotocols=["graphql-transport-ws"]) as connection:  # type: ignore[list-item]
                await say(connection, type="ping", payload={"authorization": "Bearer x"})
                assert await hear(connection) == {"type": "pong"}

    asyncio.run(scenario())


async def _ends_within_a_second(connection: ClientConnection) -> int:
    async with asyncio.timeout(1.0):
        return await closed(connection)


def test_a_socket_whose_token_ends_is_closed_within_a_second_and_tells_nothing_more() -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        async with hub_of(issuer) as hub, open_socket(hub, issuer.token()) as connection:
            await say(connection, type="subscribe", id="a", payload=TICKS)
            await hub.listened_to(by=1)
            issuer.clock.advance(timedelta(seconds=300))
            hub.tell(1)  # at once: before the hub has looked again
            message = await hear(connection)
            assert message["type"] == "error"
            assert message["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"  # type: ignore[index]
            assert await _ends_within_a_second(connection) == 4401
            await hub.listened_to(by=0)

    asyncio.run(scenario())


def test_a_query_over_a_socket_whose_token_has_ended_is_refused_at_once() -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        async with hub_of(issuer) as hub, open_socket(hub, issuer.token()) as connection:
            issuer.clock.advance(timedelta(seconds=300))
            await say(connection, type="subscribe", id="a", payload=QUERY)
            message = await hear(connection)
            assert message["type"] == "error"
            assert message["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"  # type: ignore[index]
            assert await _ends_within_a_second(connection) == 4401

    asyncio.run(scenario())


def test_a_revoked_token_s_socket_is_closed_within_a_second_and_another_s_stays() -> None:
    class Standing:
        gone: str | None = None

        async def holds(self, viewer: Viewer) -> bool:
            return viewer.subject != self.gone

    async def scenario() -> None:
        issuer, standing = issuer_of_today(), Standing()
        issuer.trust(standing=standing)
        async with (
            hub_of(issuer) as hub,
            open_socket(hub, issuer.token()) as wang,
            open_socket(hub, issuer.token(sub="li")) as li,
            httpx.AsyncClient(base_url=hub.url) as client,
        ):
            for connection in (wang, li):
                await say(connection, type="subscribe", id="a", payload=TICKS)
            await hub.listened_to(by=2)
            standing.gone = "wang"
            refused = await client.post("/graphql", json=QUERY, headers={"authorization": f"Bearer {issuer.token()}"})
            assert refused.status_code == 401
            assert await _ends_within_a_second(wang) == 4401
            hub.tell(1)
            assert (await hear(li))["type"] == "next"

    asyncio.run(scenario())


def test_an_event_stream_ends_with_its_token_and_says_so() -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        async with hub_of(issuer) as hub, httpx.AsyncClient(base_url=hub.url, timeout=5) as client:
            headers = {**STREAM, "authorization": f"Bearer {issuer.token()}"}
            async with client.stream("POST", "/graphql", json=TICKS, headers=headers) as response:
                await hub.listened_to(by=1)
                hub.tell(1)
                lines = response.aiter_lines()
                async for line in lines:
                    if line.startswith("data: "):
                        assert json.loads(line[6:])["data"] == {"ticks": {"cursor": "1", "number": 1}}
                        break
                issuer.clock.advance(timedelta(seconds=300))
                async with asyncio.timeout(1):
                    rest = "\n".join([line async for line in lines])
                assert "UNAUTHENTICATED" in rest
                assert "complete" not in rest  # so that a client comes again
            await hub.listened_to(by=0)

    asyncio.run(scenario())


def test_a_policy_that_takes_the_stream_away_ends_it_within_a_second_and_the_socket_stays() -> None:
    async def scenario() -> None:
        issuer, policies = issuer_of_today(), Policies()
        async with hub_of(issuer, policies) as hub, open_socket(hub, issuer.token()) as connection:
            await say(connection, type="subscribe", id="a", payload=TICKS)
            await hub.listened_to(by=1)
            policies.allowed[Action.SUBSCRIBE], policies.version = set(), "2"
            async with asyncio.timeout(1):
                message = await hear(connection)
            assert (message["type"], message["id"]) == ("error", "a")
            assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"  # type: ignore[index]
            await say(connection, type="subscribe", id="b", payload=QUERY)
            assert (await hear(connection))["payload"]["data"] == {"greeting": "hello park"}

    asyncio.run(scenario())


def test_who_may_not_write_is_refused_before_anything_runs() -> None:
    async def scenario() -> None:
        issuer, policies = issuer_of_today(), Policies()
        policies.allowed[Action.WRITE] = {"commander"}
        async with hub_of(issuer, policies) as hub, httpx.AsyncClient(base_url=hub.url) as client:
            for role, code in (("guard", "FORBIDDEN"), ("commander", None)):
                headers = {"authorization": f"Bearer {issuer.token(roles=[role])}"}
                said = (await client.post("/graphql", json={"query": "mutation { touch }"}, headers=headers)).json()
                assert (said.get("errors") or [{}])[0].get("extensions", {}).get("code") == code

    asyncio.run(scenario())


def test_one_telling_serves_those_who_may_see_the_same_and_no_one_else() -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        tokens = [
            issuer.token(sub="wang", org="a"),
            issuer.token(sub="li", org="a"),
            issuer.token(sub="zhao", org="b"),
            issuer.token(sub="sun", org="a", roles=["guard", "auditor"]),
        ]
        async with (
            hub_of(issuer) as hub,
            open_socket(hub, tokens[0]) as one,
            open_socket(hub, tokens[1]) as two,
            open_socket(hub, tokens[2]) as three,
            open_socket(hub, tokens[3]) as four,
        ):
            for connection in (one, two, three, four):
                await say(connection, type="subscribe", id="a", payload=TICKS)
            await hub.listened_to(by=4)
            hub.tell(9)
            for connection in (one, two, three, four):
                assert (await hear(connection))["type"] == "next"
            assert hub.executions == ["9"] * 3  # a's two guards; b's; the auditor

    asyncio.run(scenario())


def test_with_an_issuer_the_hub_has_a_name_of_its_own_and_still_no_page_from_elsewhere_drives_it() -> None:
    async def scenario() -> None:
        issuer = issuer_of_today()
        async with hub_of(issuer) as hub, httpx.AsyncClient(base_url=hub.url) as client:
            right = {"authorization": f"Bearer {issuer.token()}", "host": "hub.example"}
            assert (await client.post("/graphql", json=QUERY, headers=right)).status_code == 200
            own = {**right, "origin": "https://hub.example"}
            assert (await client.post("/graphql", json=QUERY, headers=own)).status_code == 200
            foreign = {**right, "origin": "https://evil.example"}
            assert (await client.post("/graphql", json=QUERY, headers=foreign)).status_code == 403

    asyncio.run(scenario())
    TinyHub(WebConfig(host="0.0.0.0"), authority=issuer_of_today().tokens)
    with pytest.raises(Exception, match="issuer"):
        refuse_to_leave_loopback("0.0.0.0")


def test_another_machine_reads_figures_and_parts_with_a_token_alone() -> None:
    async def fine() -> Part:
        return Part(state=PartState.OK)

    issuer = issuer_of_today()
    hub = TinyHub(WebConfig(), Probes(needed={"journal": fine}), authority=issuer.tokens, clock=issuer.clock)
    right = {"authorization": f"Bearer {issuer.token()}"}
    with TestClient(hub.application, client=("192.0.2.7", 40000)) as far:
        assert far.get("/metrics").status_code == 401
        assert far.get("/readyz").json() == {"state": "OK"}
        assert "causeway_" in far.get("/metrics", headers=right).text
        assert "journal" in far.get("/readyz", headers=right).json()["parts"]
    with TestClient(hub.application, client=("127.0.0.1", 40000)) as near:
        assert "causeway_" in near.get("/metrics").text
        assert "journal" in near.get("/readyz").json()["parts"]
