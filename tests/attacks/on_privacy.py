"""Changes of personal data by those whom the policies do not let. The last of all: one of them ends in an erasure."""

from collections.abc import Callable, Iterator
from functools import partial
from uuid import uuid4

from tests.attacks.attempt import Attempt, answered, refused_by_code
from tests.attacks.park import Park

ERASE = 'mutation($id: ID!, $key: String!) { done: erasePerson(id: $id, reason: "asked for", idempotencyKey: $key) {'
CORRECT = (
    'mutation($id: ID!, $key: String!) { done: correctPerson(id: $id, values: {name: "Li A"}, reason: "misspelt",'
    " idempotencyKey: $key) {"
)
HOLD = (
    'mutation($id: String!, $key: String!) { done: placeLegalHold(subject: $id, reason: "a claim",'
    " idempotencyKey: $key) {"
)
RELEASE = (
    'mutation($id: String!, $key: String!) { done: releaseLegalHold(subject: $id, reason: "settled",'
    " idempotencyKey: $key) {"
)
REGISTER = (
    'mutation($id: String!, $key: String!) { done: registerPerson(incident: $id, values: {name: "Helper"},'
    " idempotencyKey: $key) {"
)
OPEN = (
    "mutation($id: ID!, $key: String!) { openIncident(places: [$id], kind: FIRE, drill: false, idempotencyKey: $key) {"
    " __typename ... on OpenIncidentSuccess { incident { number } } } }"
)
TOLD = " __typename ... on Problem { code message } } }"


def _does(park: Park, token: str, mutation: str, id_: str) -> str:
    """The result's type. Raises AssertionError for an error."""
    body = park.ask(token, mutation + TOLD, id=id_, key=str(uuid4()))
    return str(answered(body)["done"]["__typename"])


def _as_role(park: Park, role: str, mutation: str, whom: str) -> str:
    token = park.tenant("a") if role == "tenant" else park.role(role)
    body = park.ask(token, mutation + TOLD, id=park.ids.get(whom, whom), key=str(uuid4()))
    return refused_by_code(body, "FORBIDDEN")


def _officer(park: Park) -> str:
    return park.role("privacy_officer")


def _corrects(park: Park) -> None:
    assert _does(park, _officer(park), CORRECT, park.ids["person-a"]) == "CorrectPersonSuccess"


def _holds(park: Park) -> None:
    """A hold stands against an erasure, until it is released."""
    spare = park.ids["person-spare"]
    assert _does(park, _officer(park), HOLD, spare) == "LegalHoldSuccess"
    assert _does(park, _officer(park), ERASE, spare) == "PersonalDataRefused"
    assert _does(park, _officer(park), RELEASE, spare) == "LegalHoldSuccess"


def _registers(park: Park) -> None:
    opened = park.ask(park.commander(), OPEN, id=park.ids["b1"], key=str(uuid4()))
    number = answered(opened)["openIncident"]["incident"]["number"]
    assert _does(park, park.commander(), REGISTER, number) == "RegisterPersonSuccess"


def _erases(park: Park) -> None:
    assert _does(park, _officer(park), ERASE, park.ids["person-spare"]) == "ErasePersonSuccess"


def attempts() -> Iterator[Attempt]:
    for mutation, what, companion, roles in (
        (CORRECT, "corrects a person", _corrects, ("guard", "commander", "tenant", "administrator")),
        (HOLD, "places a hold", _holds, ("guard", "commander", "administrator")),
        (RELEASE, "releases a hold", _holds, ("guard", "commander", "administrator")),
        (REGISTER, "registers a helper", _registers, ("guard", "tenant", "auditor", "administrator")),
        (ERASE, "erases a person", _erases, ("administrator",)),
    ):
        whom = "2026-0001" if mutation is REGISTER else "person-spare"
        for role in roles:
            yield _attempt(f"{role} {what}", partial(_as_role, role=role, mutation=mutation, whom=whom), companion)


def _attempt(name: str, attack: Callable[[Park], str], companion: Callable[[Park], None]) -> Attempt:
    return Attempt(name=f"privacy: {name}", tries="by a mutation", attack=attack, companion=companion)
