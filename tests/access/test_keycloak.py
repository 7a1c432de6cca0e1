"""The hub as resource server of a real Keycloak: a person, a service, plain JWTs, revocation, keys that it binds."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import httpx
import pytest

from hub.access.authority import Credentials
from hub.access.issuers import Client, IssuerRules
from hub.access.tokens import Tokens, Trusted
from hub.clock import now
from hub.errors import Forbidden, Unauthenticated
from tests.access.issuing import bearer
from tests.access.proving import URL, Prover
from tests.servers.keycloak import AUDIENCE, DEPARTMENT, HUB, PLAIN, Keycloak
from tests.servers.process import ServerMissing

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]  # its first start takes a while


@pytest.fixture(scope="module")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    try:
        server = Keycloak.start(tmp_path_factory.mktemp("keycloak"))
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


@asynccontextmanager
async def trusting(keycloak: Keycloak, **settings: Any) -> AsyncIterator[Tokens]:
    rules = IssuerRules(
        url=keycloak.url,
        audience=AUDIENCE,
        roles_claim="realm_access.roles",
        roles={"wachdienst": "guard", "behoerde": "government"},
        **settings,
    )
    async with httpx.AsyncClient() as http:
        yield Tokens([Trusted.from_afar(http, rules)], now)


def test_a_person_who_logs_in_with_the_explorer_is_a_viewer(keycloak: Keycloak) -> None:
    async def scenario() -> None:
        verifier = "v" * 50
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        got = await asyncio.to_thread(keycloak.login, "wang", verifier, challenge)
        async with trusting(keycloak, accept_plain_jwt=True) as tokens:
            viewer = await tokens.viewer(bearer(got["access_token"], purpose="operations"))
            assert (viewer.client, viewer.roles, viewer.purpose) == ("explorer", frozenset({"guard"}), "operations")
            with pytest.raises(Forbidden):
                await tokens.viewer(bearer(got["access_token"], purpose="emergency"))
            for other in ("id_token", "refresh_token"):
                with pytest.raises(Unauthenticated):
                    await tokens.viewer(bearer(got[other]))

    asyncio.run(scenario())


def test_a_department_s_service_is_a_viewer_and_its_plain_jwts_only_where_the_setting_says_so(
    keycloak: Keycloak,
) -> None:
    async def scenario() -> None:
        async with trusting(keycloak) as tokens:
            viewer = await tokens.viewer(bearer(keycloak.service(DEPARTMENT, "purpose:emergency")))
            assert (viewer.client, viewer.roles) == ("department", frozenset({"government"}))
            assert viewer.purposes == {"emergency"}
            plain = keycloak.service(PLAIN)
            with pytest.raises(Unauthenticated, match="accept_plain_jwt"):
                await tokens.viewer(bearer(plain))
        async with trusting(keycloak, accept_plain_jwt=True) as tokens:
            viewer = await tokens.viewer(bearer(plain))
            assert (viewer.client, viewer.roles) == ("plain", frozenset())  # its own roles have no word of ours

    asyncio.run(scenario())


def test_a_revocation_is_seen_where_all_tokens_are_asked_about(keycloak: Keycloak) -> None:
    async def scenario() -> None:
        async with trusting(keycloak, introspect="all", client=Client(id=HUB[0], secret=HUB[1])) as tokens:
            token = keycloak.service(DEPARTMENT)
            viewer = await tokens.viewer(bearer(token))
            assert await tokens.holds(viewer)
            await asyncio.to_thread(keycloak.revoke, token, DEPARTMENT)
            await asyncio.sleep(0.6)
            assert not await tokens.holds(viewer)
            with pytest.raises(Unauthenticated, match="not active"):
                await tokens.viewer(bearer(token))

    asyncio.run(scenario())


def test_a_token_that_it_binds_to_a_key_counts_with_its_proof_alone(keycloak: Keycloak) -> None:
    async def scenario() -> None:
        prover = Prover()
        token = await asyncio.to_thread(
            keycloak.service, DEPARTMENT, "", prover.proof(url=keycloak.token_endpoint, method="POST")
        )
        async with trusting(keycloak) as tokens:
            with pytest.raises(Unauthenticated, match="bound"):
                await tokens.viewer(bearer(token))
            given = Credentials(authorization=f"DPoP {token}", proof=prover.proof(token), method="POST", url=URL)
            assert (await tokens.viewer(given)).client == "department"

    asyncio.run(scenario())
