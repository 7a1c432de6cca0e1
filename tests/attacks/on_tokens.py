"""Wrong tokens, on each transport; beside each the right one of the same issuer."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from functools import partial

import httpx

from tests.access.issuing import signed
from tests.attacks.attempt import ALERTS, COUNT, Attempt, answered, closed_with, must, opened, refused, say, subscribed
from tests.attacks.park import Park

Make = Callable[[Park], str]


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(park: Park, algorithm: str) -> str:
    return f"{_part({'alg': algorithm, 'typ': 'at+jwt'})}.{_part(park.issuer.claims())}."


def _confused(park: Park) -> str:
    """Made by hand: the library would not."""
    body = f"{_part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'right'})}.{_part(park.issuer.claims())}"
    public: bytes = park.issuer.key.as_pem(private=False)  # type: ignore[attr-defined]
    made = hmac.new(public, body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


def _tampered(park: Park) -> str:
    head, _, tail = park.issuer.token().split(".")
    return f"{head}.{_part(park.issuer.claims(roles=['administrator']))}.{tail}"


def _embedded(park: Park) -> str:
    own = park.issuer.foreign
    return park.issuer.token(own, {"jwk": own.as_dict(private=False)})


def _now(park: Park, **offsets: int) -> str:
    at = int(time.time())
    return park.issuer.token(**{name: at + offset for name, offset in offsets.items()})


WRONG: dict[str, Make] = {
    "unsigned (alg none)": partial(_unsigned, algorithm="none"),
    "unsigned (alg NoNe)": partial(_unsigned, algorithm="NoNe"),
    "signed by the public key as a shared secret": _confused,
    "claims changed after signing": _tampered,
    "signed by a key of the attacker's under a known kid": lambda park: park.issuer.token(park.issuer.foreign),
    "a key embedded in the header (jwk)": _embedded,
    "a key fetched from the attacker (jku)": lambda park: park.issuer.token(
        park.issuer.foreign, {"jku": "http://127.0.0.1:9/jwks"}
    ),
    "a kid that leads out of a folder": lambda park: park.issuer.token(header={"kid": "../../../../dev/null"}),
    "an unknown kid": lambda park: park.issuer.token(header={"kid": "nobody's"}),
    "an algorithm of another key type": lambda park: park.issuer.token(
        park.issuer.ec, {"kid": "right", "alg": "ES256"}
    ),
    "another issuer": lambda park: park.issuer.token(iss="https://elsewhere.example"),
    "the issuer's address with a slash more": lambda park: park.issuer.token(iss=f"{park.issuer.url}/"),
    "another audience": lambda park: park.issuer.token(aud="https://other.example"),
    "no audience": lambda park: park.issuer.token(aud=None),
    "an ID token (typ JWT)": lambda park: park.issuer.token(header={"typ": "JWT"}, nonce="n"),
    "no typ": lambda park: park.issuer.token(header={"typ": None}),
    "expired": lambda park: _now(park, exp=-5),
    "no expiry": lambda park: park.issuer.token(exp=None),
    "an expiry that is a text": lambda park: park.issuer.token(exp="tomorrow"),
    "not valid yet": lambda park: _now(park, nbf=300),
    "issued in the future": lambda park: _now(park, iat=300),
    "a critical header that nobody knows": lambda park: park.issuer.token(header={"crit": ["b64"], "b64": True}),
    "a million characters": lambda park: "a" * 1_000_000,
    "three empty parts": lambda park: "..",
    "a token of the hub's own form, made up": lambda park: signed(
        {**park.issuer.claims(), "iss": park.url, "aud": park.url}, park.issuer.foreign
    ),
}


def _over_http(park: Park, make: Make) -> str:
    try:
        answer = park.post(make(park), {"query": COUNT})
    except httpx.NetworkError:  # a header that is too long is not read to its end
        return "the connection was closed"
    return refused(answer, 400, 401, 413, 431)


def _over_sse(park: Park, make: Make) -> str:
    try:
        answer = park.post(make(park), {"query": ALERTS}, accept="text/event-stream")
    except httpx.NetworkError:  # a header that is too long is not read to its end
        return "the connection was closed"
    return refused(answer, 400, 401, 413, 431)


def _over_websocket(park: Park, make: Make) -> str:
    with opened(park) as socket:
        say(socket, type="connection_init", payload={"authorization": f"Bearer {make(park)}"})
        return closed_with(socket, 4400, 4401, 4403, 1009)


def _reads(park: Park) -> None:
    assert answered(park.ask(park.commander(), COUNT))["organizations"]["totalCount"] == 2


def _streams(park: Park) -> None:
    headers = {"authorization": f"Bearer {park.commander()}", "accept": "text/event-stream"}
    with httpx.stream("POST", f"{park.url}/graphql", json={"query": ALERTS}, headers=headers, timeout=20) as answer:
        assert answer.status_code == 200
        assert next(answer.iter_raw()).startswith(b":")


def _listens(park: Park) -> None:
    subscribed(park, park.commander())


TRANSPORTS = {
    "HTTP": (_over_http, _reads),
    "server-sent events": (_over_sse, _streams),
    "WebSocket": (_over_websocket, _listens),
}


def attempts() -> Iterator[Attempt]:
    for name, make in WRONG.items():
        for transport, (attack, companion) in TRANSPORTS.items():
            yield Attempt(
                name=f"token: {name}, over {transport}",
                tries="asks with it",
                attack=partial(attack, make=make),
                companion=companion,
            )
    yield Attempt(name="token: none, over HTTP", tries="asks bare", attack=_bare, companion=_reads)
    yield Attempt(name="token: in the address", tries="?access_token=…", attack=_in_address, companion=_reads)
    yield Attempt(name="token: two headers", tries="one good, one forged", attack=_twice, companion=_reads)
    yield Attempt(
        name="token: forged headers of a gateway",
        tries="X-User, X-Roles without a token",
        attack=_forged,
        companion=_reads,
    )
    yield Attempt(
        name="token: a purpose that it lacks",
        tries="Causeway-Purpose: privacy",
        attack=_purpose,
        companion=_with_purpose,
    )
    yield Attempt(
        name="token: a role that does not exist", tries="roles: [superuser]", attack=_unknown_role, companion=_reads
    )
    yield Attempt(
        name="token: an organization of another's in a header",
        tries="tenant A names B",
        attack=_other_org,
        companion=_own_lot,
    )


def _bare(park: Park) -> str:
    return refused(park.post(None, {"query": COUNT}), 401)


def _in_address(park: Park) -> str:
    answer = httpx.post(f"{park.url}/graphql?access_token={park.commander()}", json={"query": COUNT}, timeout=20)
    return refused(answer, 400, 401)


def _twice(park: Park) -> str:
    headers = [("authorization", f"Bearer {park.commander()}"), ("authorization", "Bearer x.y.z")]
    return refused(httpx.post(f"{park.url}/graphql", json={"query": COUNT}, headers=headers, timeout=20), 400, 401)


def _forged(park: Park) -> str:
    headers = {"x-user": "wang", "x-roles": "administrator", "x-forwarded-user": "wang", "x-forwarded-for": "127.0.0.1"}
    return refused(park.post(None, {"query": COUNT}, **headers), 401)


def _purpose(park: Park) -> str:
    return refused(park.post(park.commander(), {"query": COUNT}, **{"causeway-purpose": "privacy"}), 403)


def _with_purpose(park: Park) -> None:
    answered(park.post(park.commander(), {"query": COUNT}, **{"causeway-purpose": "emergency"}).json())


def _unknown_role(park: Park) -> str:
    answer = park.ask(park.role("superuser"), "{ organizations { totalCount } people { totalCount } }")
    data = answer.get("data") or {}
    must(not any((part or {}).get("totalCount") for part in data.values()), answer)
    return "sees nothing"


def _other_org(park: Park) -> str:
    query = {"query": "{ supplyLots { nodes { id } } }"}
    answer = park.post(
        park.tenant("a"), query, **{"causeway-organization": park.ids["b"], "x-organization": park.ids["b"]}
    )
    must(park.ids["lot-b"] not in answer.text, answer.text)
    return "sees its own rows alone"


def _own_lot(park: Park) -> None:
    nodes = answered(park.ask(park.tenant("a"), "{ supplyLots { nodes { id } } }"))["supplyLots"]["nodes"]
    assert [node["id"] for node in nodes] == [park.ids["lot-a"]]
