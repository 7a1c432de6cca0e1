"""A pseudonym is one within a purpose and another in each other one, on every path, and nothing leads back."""

from base64 import urlsafe_b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.access.pseudonyms import Pseudonyms
from hub.journal.sealing import Keyring, KeyringConfig
from hub.viewer import EVERYTHING, Grant, Viewer, Visibility
from schema.schema import schema
from tests.schema.conftest import Run
from tests.schema.hub import Hub
from tests.schema.test_matching import said

MASK = (Grant(scope=EVERYTHING, fields={"Person.id": Visibility.PSEUDONYM, "Person.name": Visibility.HIDE}),)
PATHS = {
    "list": "{ people { nodes { id roles } } }",
    "edges": "{ people { edges { cursor node { id } } pageInfo { startCursor endCursor } } }",
    "relation": "{ organizations { nodes { id people { nodes { id } } } } }",
    "deep": "{ qualifications { nodes { person { id employer { people { edges { cursor node { id } } } } } } } }",
    "facts": "{ people { nodes { id facts { field value source } provenance { source } } } }",
}
CLOSED = {
    "one": "query ($id: ID!) { found: person(id: $id) { id roles } }",
    "node": "query ($id: ID!) { found: node(id: $id) { id } }",
}
REFUSED = {
    "ids": "query ($id: ID!) { people(filter: {ids: [$id]}) { totalCount } }",
    "after": "query ($id: String!) { people(after: $id) { nodes { id } } }",
}


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    folder: Path = tmp_path_factory.mktemp("keys")
    return Keyring.open(KeyringConfig(store=folder / "keys.db", park_key=folder / "park.key"))


@given(st.lists(st.uuids().map(str), min_size=2, max_size=8, unique=True), st.text(min_size=1), st.text(min_size=1))
def test_one_in_a_purpose_and_another_in_each_other(keyring: Keyring, ids: list[str], one: str, other: str) -> None:
    names = Pseudonyms(keyring.hmac)
    in_one = [names.of(one, id_) for id_ in ids]
    assert in_one == [names.of(one, id_) for id_ in ids] and len(set(in_one)) == len(ids)
    if one != other:
        assert set(in_one).isdisjoint(names.of(other, id_) for id_ in ids)
    assert not any(id_ in name for id_ in ids for name in in_one)
    assert set(in_one).isdisjoint(Pseudonyms.of_this_process().of(one, id_) for id_ in ids)


async def ask(hub: Hub, document: str, purpose: str, **variables: Any) -> tuple[Any, Any]:
    viewer = Viewer(subject="analyst", roles=frozenset({"community"}), purpose=purpose)
    context = replace(hub.context(MASK), viewer=viewer)
    result = await schema.execute(document, variable_values=variables, context_value=context)
    return result, context.ledger


def ids_in(data: Any) -> list[str]:
    if isinstance(data, dict):
        return [v for k, v in data.items() if k == "id"] + [i for v in data.values() for i in ids_in(v)]
    return [i for each in data for i in ids_in(each)] if isinstance(data, list) else []


def test_no_path_shows_the_id_and_none_takes_it(town: Hub, run: Run) -> None:
    async def main() -> None:
        firm = await said(town, "plan", "Organization", "pn-firm", name="Firm")
        employed = {"EMPLOYED_BY": "plan:pn-firm"}
        person = await said(town, "plan", "Person", "pn-li", employed, name="Li", roles=["guard"])
        await said(town, "plan", "Qualification", "pn-aid", {"HELD_BY": "plan:pn-li"}, skill="first_aid")
        safety, report = (town.services.pseudonyms.of(purpose, person) for purpose in ("safety", "reporting"))
        for path, document in PATHS.items():
            for purpose, name, other in (("safety", safety, report), ("reporting", report, safety)):
                result, _ = await ask(town, document, purpose)
                assert not result.errors, (path, result.errors)
                text = orjson.dumps(result.data).decode()
                assert name in ids_in(result.data) and other not in text and person not in text, path
                for cursor in _cursors(result.data):
                    assert person.encode() not in urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), path
        for document in CLOSED.values():
            for id_ in (person, safety):
                result, _ = await ask(town, document, "safety", id=id_)
                assert not result.errors and result.data == {"found": None}
        result, _ = await ask(town, PATHS["edges"], "safety")
        for path, value in (("ids", person), ("ids", safety), ("after", result.data["people"]["edges"][0]["cursor"])):
            refused, _ = await ask(town, REFUSED[path], "safety", id=value)
            assert [each.original_error.code for each in refused.errors] == ["FORBIDDEN"], path
        found, ledger = await ask(town, "query ($id: ID!) { organization(id: $id) { id } }", "safety", id=firm)
        assert found.data == {"organization": {"id": firm}}  # other kinds keep theirs
        assert ledger.types["Organization"].rows == 1

    run(main())


def _cursors(data: Any) -> list[str]:
    if isinstance(data, dict):
        return [v for k, v in data.items() if k.lower().endswith("cursor")] + [
            c for v in data.values() for c in _cursors(v)
        ]
    return [c for each in data for c in _cursors(each)] if isinstance(data, list) else []
