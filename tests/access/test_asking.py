"""What an issuer may answer when it is asked for its metadata, its keys, or a token: each wrong answer is refused."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import orjson
import pytest

from hub.access.discovery import Discovery
from hub.access.introspection import FRESH
from hub.access.issuers import Client, IssuerRules
from hub.access.tokens import Tokens, Trusted
from hub.clock import ManualClock
from hub.errors import IssuerUnavailable, Unauthenticated
from tests.access.issuing import AUDIENCE, RSA, START, URL, bearer, signed

JWKS = {"keys": [RSA.as_dict(private=False)]}
METADATA: Mapping[str, object] = {
    "issuer": URL,
    "jwks_uri": f"{URL}/keys",
    "introspection_endpoint": f"{URL}/introspect",
}
Answer = Callable[[httpx.Request], httpx.Response]


def said(value: object) -> Answer:
    return lambda _: httpx.Response(200, content=orjson.dumps(value))


class Place:
    """An issuer's web server: path → what it answers."""

    def __init__(self) -> None:
        path = httpx.URL(URL).path
        self.answers: dict[str, Answer] = {
            f"{path}/.well-known/openid-configuration": said(METADATA),
            f"{path}/keys": said(JWKS),
        }
        self.first, self.keys, self.introspect = (*self.answers, f"{path}/introspect")
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        return self.answers.get(request.url.path, lambda _: httpx.Response(404))(request)

    def discovery(self, url: str = URL) -> Discovery:
        return Discovery(self.http, url)


def test_metadata_is_found_in_both_places() -> None:
    place = Place()
    assert asyncio.run(place.discovery().keys()) == JWKS
    place.answers["/.well-known/oauth-authorization-server/park"] = place.answers.pop(place.first)
    assert asyncio.run(place.discovery().keys()) == JWKS


def _metadata(**changed: object) -> Mapping[str, Answer]:
    return {"first": said({**METADATA, **changed})}


WRONG: Mapping[str, tuple[Mapping[str, Answer], str]] = {
    "metadata of another issuer": (_metadata(issuer="https://evil.example"), "of another issuer"),
    "metadata without an issuer": (_metadata(issuer=None), "of another issuer"),
    "no address of keys": (_metadata(jwks_uri=None), "jwks_uri"),
    "keys in the clear": (_metadata(jwks_uri="http://127.0.0.1/keys"), "in the clear"),
    "keys in a file": (_metadata(jwks_uri="file:///etc/passwd"), "jwks_uri"),
    "a redirect": ({"keys": lambda _: httpx.Response(302, headers={"location": "https://evil.example"})}, "302"),
    "no JSON": ({"keys": lambda _: httpx.Response(200, text="<html>")}, "JSON"),
    "a list": ({"keys": said([])}, "JSON object"),
    "too much": ({"keys": lambda _: httpx.Response(200, content=b" " * 1_000_001)}, "more than"),
    "an error": ({"keys": lambda _: httpx.Response(500)}, "500"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_refused(name: str) -> None:
    place = Place()
    answers, why = WRONG[name]
    for which, answer in answers.items():
        place.answers[getattr(place, which)] = answer
    with pytest.raises(IssuerUnavailable, match=why):
        asyncio.run(place.discovery().keys())


@pytest.mark.parametrize("keys", [{"keys": "x"}, {}, {"keys": [RSA.as_dict(private=False)] * 101}])
def test_keys_that_are_none_leave_the_known_ones(keys: Mapping[str, object]) -> None:
    place, clock = Place(), ManualClock(START)
    trusted = Trusted.from_afar(place.http, IssuerRules(url=URL, audience=AUDIENCE))
    at = int(START.timestamp())
    token = signed({"iss": URL, "aud": AUDIENCE, "sub": "wang", "exp": at + 300, "iat": at})

    async def scenario() -> None:
        tokens = Tokens([trusted], clock)
        await tokens.viewer(bearer(token))
        place.answers[place.keys] = said(keys)
        await trusted.keys.refresh()
        assert list(tokens.failing) == [URL]
        assert (await tokens.viewer(bearer(token))).subject == "wang"

    asyncio.run(scenario())


class Asked:
    """A hub that asks about opaque tokens; `answer` is what the issuer says of each."""

    def __init__(self) -> None:
        self.place = Place()
        self.seen: list[httpx.Request] = []
        at = int(START.timestamp())
        self.answer: dict[str, Any] = {
            "active": True,
            "aud": AUDIENCE,
            "sub": "wang",
            "exp": at + 300,
            "roles": ["guard"],
            "scope": "purpose:duty",
        }
        self.place.answers[self.place.introspect] = self._say
        rules = IssuerRules(
            url=URL, audience=AUDIENCE, introspect="opaque", client=Client(id="hub", secret="sword:fish/1")
        )
        self.tokens = Tokens([Trusted.from_afar(self.place.http, rules)], ManualClock(START))

    def _say(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return httpx.Response(200, content=orjson.dumps(self.answer))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"active": False}, "not active"),
        ({"active": "true"}, "not active"),
        ({"active": 1}, "not active"),
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"aud": "https://other.example"}, "audience"),
        ({"aud": None}, "audience"),
        ({"exp": int(START.timestamp()) - 31}, "expired"),
        ({"exp": None}, "exp"),
        ({"sub": None}, "no subject"),
        ({"cnf": {"jkt": "x"}}, "bound to a key"),
    ],
)
def test_an_opaque_token_is_what_its_issuer_says(changed: dict[str, object], why: str) -> None:
    asked = Asked()
    asked.answer |= changed

    async def scenario() -> None:
        with pytest.raises(Unauthenticated, match=why):
            await asked.tokens.viewer(bearer("opaque"))

    asyncio.run(scenario())
    good = Asked()
    assert asyncio.run(good.tokens.viewer(bearer("opaque"))).subject == "wang"


def test_a_changed_role_ends_what_the_old_one_began_and_gives_a_new_viewer() -> None:
    asked = Asked()

    async def scenario() -> None:
        old = await asked.tokens.viewer(bearer("opaque"))
        assert await asked.tokens.holds(old)
        asked.answer["roles"] = ["visitor"]
        await asyncio.sleep(FRESH + 0.1)
        assert not await asked.tokens.holds(old)
        new = await asked.tokens.viewer(bearer("opaque"))
        assert new.roles == {"visitor"}
        assert await asked.tokens.holds(new)

    asyncio.run(scenario())


def test_a_burst_asks_once_and_the_hub_shows_its_own_secret_in_the_header_alone() -> None:
    asked = Asked()

    async def scenario() -> None:
        await asyncio.gather(*(asked.tokens.viewer(bearer("opaque")) for _ in range(50)))

    asyncio.run(scenario())
    [request] = asked.seen
    assert request.headers["authorization"] == httpx.BasicAuth("hub", "sword%3Afish%2F1")._auth_header
    assert "opaque" not in str(request.url) and b"token=opaque" in request.content
