"""With a right token, for what it does not open: another tenant's rows, masked fields, and ways to guess at them."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.attacks.attempt import Attempt, answered, must, refused_by_code
from tests.attacks.park import Park


def _of_other(park: Park, query: str, which: str, *, own: str = "a") -> str:
    """`which` names a thing of tenant B by its external id; nothing of B may be in what tenant A gets."""
    answer = park.post(park.tenant(own), {"query": query, "variables": _variables(query, park.ids[which])})
    text = answer.text
    for secret in (park.ids["lot-b"], "secret stock of b", "tank of b", "Li b", "13800138002", "Tenant B"):
        if secret == park.ids[which]:
            must(secret not in text.replace(f'"id":"{secret}"', "", 0) or _is_empty(answer.json()), text)
        else:
            must(secret not in text, text)
    must(_is_empty(answer.json()), text)
    return "nothing of it"


def _variables(query: str, id_: str) -> dict[str, str]:
    return {"id": id_} if "$id" in query else {}


def _is_empty(body: dict[str, Any]) -> bool:
    """No value but null, zero, and empty lists."""

    def empty(value: object) -> bool:
        if isinstance(value, dict):
            return all(empty(part) for part in value.values())
        if isinstance(value, list):
            return all(empty(part) for part in value)
        return not value

    return empty(body.get("data") or {})


def _own(park: Park, query: str, which: str) -> None:
    body = park.ask(park.tenant("b"), query, **_variables(query, park.ids[which]))
    assert not body.get("errors"), body
    assert not _is_empty(body), body


PATHS: dict[str, tuple[str, str]] = {
    "a lot by node": ("query($id: ID!) { node(id: $id) { id ... on SupplyLot { name quantity } } }", "lot-b"),
    "a lot by its own field": ("query($id: ID!) { supplyLot(id: $id) { id name quantity } }", "lot-b"),
    "a lot by a list's filter": (
        "query($id: ID!) { supplyLots(filter: {ids: [$id]}) { totalCount nodes { id name } } }",
        "lot-b",
    ),
    "a lot's facts": (
        'query($id: ID!) { supplyLot(id: $id) { facts(fields: ["name", "quantity"]) { field value } } }',
        "lot-b",
    ),
    "a lot by the entities of a gateway": (
        'query($id: ID!) { _entities(representations: [{__typename: "SupplyLot", id: $id}])'
        " { ... on SupplyLot { name quantity } } }",
        "lot-b",
    ),
    "an asset by node": ("query($id: ID!) { node(id: $id) { id ... on Asset { name } } }", "tank-b"),
    "an asset by its own field": ("query($id: ID!) { asset(id: $id) { id name } }", "tank-b"),
    "an asset by the entities of a gateway": (
        'query($id: ID!) { _entities(representations: [{__typename: "Asset", id: $id}]) { ... on Asset { name } } }',
        "tank-b",
    ),
    "a person by node": ("query($id: ID!) { node(id: $id) { id ... on Person { name phone } } }", "person-b"),
    "a person by its own field": ("query($id: ID!) { person(id: $id) { id name phone } }", "person-b"),
    "a person by the entities of a gateway": (
        'query($id: ID!) { _entities(representations: [{__typename: "Person", id: $id}])'
        " { ... on Person { name phone } } }",
        "person-b",
    ),
    "an organization by node": ("query($id: ID!) { node(id: $id) { id ... on Organization { name } } }", "b"),
    "an organization by its own field": ("query($id: ID!) { organization(id: $id) { id name } }", "b"),
}


def attempts() -> Iterator[Attempt]:
    for name, (query, which) in PATHS.items():
        yield Attempt(
            name=f"another tenant's: {name}",
            tries="tenant A asks for what is B's",
            attack=partial(_of_other, query=query, which=which),
            companion=partial(_own, query=query, which=which),
        )
    for name, attack, companion in OTHERS:
        yield Attempt(
            name=f"masked: {name}", tries="a guard off duty, who sees no names", attack=attack, companion=companion
        )


def _guess(park: Park, query: str) -> str:
    """Refused, or answered as if there were nothing to tell."""
    body = park.ask(park.role("guard"), query)
    if body.get("errors"):
        return refused_by_code(body, "FORBIDDEN", "BAD_REQUEST")
    must(_is_empty(body), body)
    return "nothing to tell by"


def _knows(park: Park, query: str) -> None:
    assert not _is_empty({"data": answered(park.ask(park.commander(), query))})


_SEARCH = '{ people(filter: {search: "Li"}) { totalCount nodes { id } } }'
_ORDER = "{ people(orderBy: NAME) { nodes { id } } }"
_NAMES = "{ people { nodes { name } } }"
_PHONES = "{ people { nodes { phone } } }"


def _phones(park: Park, query: str) -> str:
    body = park.post(park.commander(), {"query": query}).text
    must("13800138001" not in body and "13800138002" not in body, body)
    return "the last four digits alone"


def _own_phone(park: Park) -> None:
    assert "13800138001" in park.post(park.tenant("a"), {"query": _PHONES}).text


OTHERS: tuple[tuple[str, Callable[[Park], str], Callable[[Park], None]], ...] = (
    ("names in a list", partial(_guess, query="{ people { nodes { name phone } } }"), partial(_knows, query=_NAMES)),
    ("names guessed by search", partial(_guess, query=_SEARCH), partial(_knows, query=_SEARCH)),
    ("names guessed by their order", partial(_guess, query=_ORDER), partial(_knows, query=_ORDER)),
    ("whole telephone numbers at quiet times", partial(_phones, query=_PHONES), _own_phone),
)
