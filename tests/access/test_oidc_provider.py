"""The hub as resource server of a real OpenID provider: discovery, both kinds of token, rotation, revocation, DPoP."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from time import perf_counter
from typing import Any

import httpx
import pytest

from hub.access.authority import Credentials
from hub.access.discovery import Discovery
from hub.access.issuers import Client, IssuerRules
from hub.access.keys import FetchedKeys
from hub.access.tokens import Tokens, Trusted
from hub.clock import now
from hub.errors import IssuerUnavailable, Unauthenticated
from tests.access.issuing import bearer
from tests.access.proving import Prover
from tests.servers.oidc_provider import AUDIENCE, HUB, OidcProvider
from tests.servers.process import ServerMissing
from tests.web.test_socket import closed, hear, say
from tests.web.test_who import QUERY, TICKS, open_socket
from tests.web.tiny import running

OPAQUE = f"{AUDIENCE}/opaque"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    try:
        server = OidcProvider.start(tmp_path_factory.mktemp("oidc"))
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


@asynccontextmanager
async def trusting(provider: OidcProvider, **settings: Any) -> AsyncIterator[Tokens]:
    rules = IssuerRules(
        url=provider.url,
        audience=AUDIENCE,
        **{
            "roles_claim": "realm_access.roles",
            "organization_claim": "org",
            "client": Client(id=HUB[0], secret=HUB[1]),
            **settings,
        },
    )
    async with httpx.AsyncClient() as http:
        yield Tokens([Trusted.from_afar(http, rules)], now)


async def refused(tokens: Tokens, token: str) -> str:
    with pytest.raises(Unauthenticated) as error:
        await tokens.viewer(bearer(token))
    return error.value.message


def test_a_service_and_a_person_are_viewers_and_an_id_token_is_none(provider: OidcProvider) -> None:
    async def scenario() -> None:
        async with trusting(provider) as tokens:
            service = await tokens.viewer(bearer(provider.department(), purpose="emergency"))
            assert (service.subject, service.roles) == ("department", frozenset({"government"}))
            assert (service.organization, service.purpose) == ("acme", "emergency")
            verifier = "v" * 50
            challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
            got = await asyncio.to_thread(provider.login, "wang", verifier, challenge)
            person = await tokens.viewer(bearer(got["access_token"]))
            assert (person.subject, person.client, person.roles) == ("wang", "explorer", frozenset({"guard"}))
            assert person.purposes == {"operations"}
            assert "access token" in await refused(tokens, got["id_token"])
            other = provider.department(resource="https://other.example")
            assert "audience" in await refused(tokens, other)

    asyncio.run(scenario())


def test_an_opaque_token_is_asked_about_and_its_revocation_is_seen(provider: OidcProvider) -> None:
    async def scenario() -> None:
        async with trusting(provider, introspect="opaque") as tokens:
            token = provider.department(resource=OPAQUE)
            assert "." not in token
            viewer = await tokens.viewer(bearer(token))
            assert (viewer.subject, viewer.roles, viewer.purposes) == ("department", {"government"}, {"emergency"})
            assert await tokens.holds(viewer)
            assert "not active" in await refused(tokens, "made-up")
            provider.revoke(token)
            await asyncio.sleep(0.6)
            assert not await tokens.holds(viewer)
            assert "not active" in await refused(tokens, token)
        async with trusting(provider) as tokens:  # where the setting does not say so, it is not asked about
            assert "can read" in await refused(tokens, provider.department(resource=OPAQUE))
        async with trusting(provider, introspect="opaque", client=Client(id="hub", secret="wrong")) as tokens:
            with pytest.raises(IssuerUnavailable, match="status 401"):
                await tokens.viewer(bearer(provider.department(resource=OPAQUE)))

    asyncio.run(scenario())


def test_the_keys_rotate_under_load_and_no_good_token_is_refused(provider: OidcProvider) -> None:
    async def scenario() -> None:
        async with httpx.AsyncClient() as http:
            keys = FetchedKeys(Discovery(http, provider.url).keys, again_after=0.2)  # quicker than in life
            rules = IssuerRules(url=provider.url, audience=AUDIENCE)
            tokens = Tokens([Trusted(issuer=rules, keys=keys)], now)
            old = await tokens.viewer(bearer(first := provider.department()))
            for _ in range(3):
                provider.say("rotate")
                await asyncio.sleep(0.2)
                made = [await asyncio.to_thread(provider.department) for _ in range(3)]
                seen = await asyncio.gather(*(tokens.viewer(bearer(each)) for each in [first, *made] * 10))
                assert {each.subject for each in seen} == {"department"}
                assert await tokens.holds(old)
            provider.say("drop")
            await keys.refresh()
            assert not await tokens.holds(old)
            await refused(tokens, first)
            assert (await tokens.viewer(bearer(made[-1]))).subject == "department"

    asyncio.run(scenario())


@pytest.mark.parametrize("state", ["down", "slow"])
def test_an_issuer_that_is_down_or_slow_leaves_known_keys_and_open_streams(provider: OidcProvider, state: str) -> None:
    async def scenario() -> None:
        async with trusting(provider, introspect="opaque") as tokens:
            known, opaque = provider.department(), provider.department(resource=OPAQUE)
            await tokens.viewer(bearer(known))
            viewer = await tokens.viewer(bearer(opaque))
            other, another = provider.department(), provider.department(resource=OPAQUE)
            provider.say(state)
            try:
                await asyncio.sleep(0.6)
                began = perf_counter()
                assert (await tokens.viewer(bearer(other))).subject == "department"
                assert perf_counter() - began < 0.5
                assert await tokens.holds(viewer)
                with pytest.raises(IssuerUnavailable, match=r"does not answer|cannot be reached"):
                    await tokens.viewer(bearer(another))
            finally:
                provider.say("up")

    asyncio.run(scenario())


def test_a_socket_of_an_opaque_token_is_closed_within_a_second_of_its_revocation(provider: OidcProvider) -> None:
    async def scenario() -> None:
        async with (
            trusting(provider, introspect="opaque") as tokens,
            running(authority=tokens) as hub,
        ):
            token = provider.department(resource=OPAQUE)
            async with open_socket(hub, token) as connection:
                await say(connection, type="subscribe", id="a", payload=TICKS)
                await hub.listened_to(by=1)
                for number in range(3):  # it lives on while the token does
                    await asyncio.sleep(0.5)
                    hub.tell(number)
                    assert (await hear(connection))["type"] == "next"
                await asyncio.to_thread(provider.revoke, token)
                async with asyncio.timeout(1.5):  # a second, and what this machine takes
                    assert await closed(connection) == 4401

    asyncio.run(scenario())


def test_a_token_that_the_provider_binds_to_a_key_counts_with_its_proof_alone(provider: OidcProvider) -> None:
    async def scenario() -> None:
        async with trusting(provider) as tokens, running(authority=tokens) as hub:
            prover = Prover()
            token = provider.department(proof=prover.proof(url=f"{provider.url}/token"))
            async with httpx.AsyncClient(base_url=hub.url) as client:
                bare = await client.post("/graphql", json=QUERY, headers={"authorization": f"Bearer {token}"})
                assert bare.status_code == 401
                proof = prover.proof(token, url=f"{hub.url}/graphql")
                headers = {"authorization": f"DPoP {token}", "dpop": proof}
                assert (await client.post("/graphql", json=QUERY, headers=headers)).status_code == 200
                again = await client.post("/graphql", json=QUERY, headers=headers)
                assert (again.status_code, again.headers["www-authenticate"][:4]) == (401, "DPoP")
            thief = Prover()
            with pytest.raises(Unauthenticated):
                stolen = thief.proof(token, method="POST", url="https://hub.example/graphql")
                await tokens.viewer(
                    Credentials(authorization=f"DPoP {token}", proof=stolen, url="https://hub.example/graphql")
                )

    asyncio.run(scenario())
