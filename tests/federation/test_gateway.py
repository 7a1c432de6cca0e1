"""The hub and the example department through a real gateway: one graph, and the viewer's own rights in it."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.federation.conftest import Federation
from tests.federation.park import ask

pytestmark = pytest.mark.timeout(300)  # the first one starts everything

KINDS = {"Place": "hall-a", "Asset": "tank-a", "Person": "person-a", "Organization": "a", "SupplyLot": "lot-a"}
TANKS = "{ assets(filter: {kind: [EQUIPMENT]}) { nodes { name } } }"
HALL = "query ($id: ID!) { place(id: $id) { name engines { callSign crew station { name partOf { name } } } } }"


def tanks(answer: dict) -> list[str]:
    assert "errors" not in answer, answer
    return sorted(each["name"] for each in answer["data"]["assets"]["nodes"])


def test_a_place_of_the_hubs_has_the_brigades_engines_and_they_have_the_place(federation: Federation) -> None:
    token = federation.park.token("command")
    answer = ask(federation.gateway.url, token, HALL, id=federation.park.ids["hall-a"])
    engine = {"callSign": "Foam 1", "crew": 6, "station": {"name": "Hall a", "partOf": {"name": "Park"}}}
    assert answer == {"data": {"place": {"name": "Hall a", "engines": [engine]}}}


def test_an_engine_is_sent_through_the_gateway_once(federation: Federation) -> None:
    park, gateway = federation.park, federation.gateway
    token = park.token("command")
    send = """mutation ($engine: ID!, $place: ID!, $key: String!) {
      deployEngine(engine: $engine, place: $place, idempotencyKey: $key) {
        id orderedBy place { name } engine { callSign deployment { id } } } }"""
    given = {"engine": federation.engine, "place": park.ids["hall-b"], "key": "first"}
    first = ask(gateway.url, token, send, **given)["data"]["deployEngine"]
    assert first["place"] == {"name": "Hall b"} and first["engine"]["deployment"]["id"] == first["id"]
    assert ask(gateway.url, token, send, **given)["data"]["deployEngine"] == first
    again = ask(gateway.url, token, send, **{**given, "key": "second"})
    assert again["data"] is None and again["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    tenant = ask(gateway.url, park.token("tenant-a"), send, **{**given, "key": "third"})
    assert tenant["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    end = "mutation ($id: ID!) { endDeployment(deployment: $id) { endedAt engine { deployment { id } } } }"
    ended = ask(gateway.url, token, end, id=first["id"])["data"]["endDeployment"]
    assert ended["endedAt"] and ended["engine"] == {"deployment": None}


def test_rights_are_the_viewers_on_both_sides(federation: Federation) -> None:
    park, url = federation.park, federation.gateway.url
    commander, tenant = park.token("command"), park.token("tenant-a")
    assert tanks(ask(url, commander, TANKS)) == ["tank of a", "tank of b"]
    assert tanks(ask(url, tenant, TANKS)) == ["tank of a"]
    hall = ask(url, tenant, HALL, id=park.ids["hall-a"])
    assert hall["data"]["place"] == {"name": "Hall a", "engines": None}
    assert [each["extensions"]["code"] for each in hall["errors"]] == ["FORBIDDEN"]


def test_many_at_once_are_each_answered_for_themselves(federation: Federation) -> None:
    tokens = {who: federation.park.token(who) for who in ("command", "tenant-a", "tenant-b")}
    wanted = {"command": ["tank of a", "tank of b"], "tenant-a": ["tank of a"], "tenant-b": ["tank of b"]}
    who = [name for _ in range(10) for name in tokens]
    with ThreadPoolExecutor(len(tokens) * 3) as threads:
        found = list(threads.map(lambda name: tanks(ask(federation.gateway.url, tokens[name], TANKS)), who))
    assert found == [wanted[name] for name in who]


@pytest.mark.parametrize(
    "forged",
    [
        {"x-user": "wang", "x-roles": "commander", "x-forwarded-user": "wang"},
        {"causeway-viewer": "wang", "causeway-roles": "commander", "x-hasura-role": "admin"},
        {"forwarded": "for=127.0.0.1", "x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1"},
        {"authorization": "Bearer forged"},
        {"authorization": "Basic d2FuZzp3YW5n"},
    ],
)
def test_forged_headers_of_a_gateway_give_nothing(federation: Federation, forged: dict[str, str]) -> None:
    for url in (federation.gateway.url, f"{federation.park.url}/graphql"):
        answer = ask(url, None, TANKS, headers=forged)
        assert not (answer.get("data") or {}).get("assets") and answer["errors"], answer
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", answer
    tenant = {name: value for name, value in forged.items() if name != "authorization"}
    token = federation.park.token("tenant-a")
    assert tanks(ask(federation.gateway.url, token, TANKS, headers=tenant)) == ["tank of a"]


def test_references_to_each_kind_that_was_made_an_entity(federation: Federation) -> None:
    """Forged ones are null, one that was merged away is what it became, and the order is that of the question."""
    park = federation.park
    gone, lives = park.merged
    refs = [{"__typename": kind, "id": park.ids[name]} for kind, name in KINDS.items()]
    refs += [{"__typename": kind, "id": "nothing", "name": "forged"} for kind in (*KINDS, "Warning", "Alert")]
    refs += [{"__typename": "Mutation", "id": "x"}, {"__typename": "Asset", "id": gone}]
    query = "query ($refs: [_Any!]!) { _entities(representations: $refs) { __typename ... on Node { id } } }"
    told = ask(f"{park.url}/graphql", park.token("command"), query, refs=refs)["data"]["_entities"]
    assert told[: len(KINDS)] == refs[: len(KINDS)]
    assert told[len(KINDS) : -1] == [None] * (len(KINDS) + 3)
    assert told[-1] == {"__typename": "Asset", "id": lives}


def test_a_department_that_is_away_or_hangs_leaves_the_hubs_part_and_an_error_beside_it(federation: Federation) -> None:
    park, gate = federation.park, federation.gate
    token, given = park.token("command"), {"id": park.ids["hall-a"]}

    def told() -> None:
        began = time.monotonic()
        answer = ask(federation.gateway.url, token, HALL, **given)
        took = time.monotonic() - began
        assert answer["data"]["place"] == {"name": "Hall a", "engines": None}
        assert answer["errors"] and answer["errors"][0]["path"] == ["place", "engines"], answer
        assert took < 2, f"{took:.2f} s"

    assert ask(federation.gateway.url, token, HALL, **given)["data"]["place"]["engines"]
    gate.shut()
    told()
    gate.open()
    assert ask(federation.gateway.url, token, HALL, **given)["data"]["place"]["engines"]
    gate.hang()
    told()
    gate.let_through()
    assert ask(federation.gateway.url, token, HALL, **given)["data"]["place"]["engines"]
