"""A consent that was withdrawn closes its fields, of that person, for that purpose, on every path; nothing else."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.access.personal.consents import Basis, Consents, Given
from hub.access.personal.desk import PersonalDesk, Word
from hub.access.policy.catalogue import declared
from hub.access.policy.load import load
from hub.access.policy.policies import Policies
from hub.clock import now
from hub.errors import BadRequest, NotFound, Refused
from hub.graph.selection import MASKABLE
from hub.journal.sealing import Keyring, KeyringConfig
from hub.viewer import Action, Viewer
from schema.schema import schema
from tests.schema.conftest import Run
from tests.schema.hub import Hub
from tests.schema.test_matching import said

OFFICER = Viewer(subject="officer", roles=frozenset({"privacy_officer"}), purpose="privacy")
SAFETY = Viewer(subject="inspector", roles=frozenset({"safety_department"}), purpose="safety")
WORD = Word(actor="officer", reason="")
PHONE = ("Person.phone",)
PATHS = {
    "list": "{ people(first: 500) { nodes { id phone name } } }",
    "one": "query ($id: ID!) { person(id: $id) { phone name } }",
    "node": "query ($id: ID!) { node(id: $id) { ... on Person { phone name } } }",
    "relation": "{ organizations { nodes { people { nodes { id phone name } } } } }",
    "facts": 'query ($id: ID!) { person(id: $id) { facts(fields: ["phone"]) { value } name } }',
    "reference": 'query ($id: ID!) { _entities(representations: [{__typename: "Person", id: $id}]) '
    "{ ... on Person { phone name } } }",
}


class Register:
    """The park's policies and register of consents, over the town's log."""

    def __init__(self, town: Hub, folder: Path) -> None:
        keyring = Keyring.open(KeyringConfig(store=folder / "keys.db", park_key=folder / "park.key"))
        loaded = load(None, declared(MASKABLE))
        desk = PersonalDesk(town.journal, keyring, now)
        self.town = town
        self.consents = Consents(town.journal, now, desk, lambda: tuple(loaded.roles.purposes))
        self.policies = Policies(loaded, withheld=self.consents.withheld)

    async def ask(self, document: str, viewer: Viewer, **variables: Any) -> Any:
        masks = {action: self.policies.mask(viewer, action) for action in Action}
        context = self.town.context(masks[Action.READ], consents=self.consents)
        context = replace(context, viewer=viewer, others=masks)
        return await schema.execute(document, variable_values=variables, context_value=context)

    async def text(self, document: str, viewer: Viewer, **variables: Any) -> str:
        used = {name: value for name, value in variables.items() if f"${name}" in document}
        result = await self.ask(document, viewer, **used)
        assert not result.errors, result.errors
        return str(result.data)


@pytest.fixture
def register(town: Hub, tmp_path: Path) -> Register:
    return Register(town, tmp_path)


async def two_people(town: Hub, tag: str) -> tuple[str, str]:
    await said(town, "plan", "Organization", f"firm-{tag}", name=f"Firm {tag}")
    works = {"EMPLOYED_BY": f"plan:firm-{tag}"}
    li = await said(town, "plan", "Person", f"li-{tag}", works, name=f"Li {tag}", phone="13900001234")
    wang = await said(town, "plan", "Person", f"wang-{tag}", works, name=f"Wang {tag}", phone="13900005678")
    return li, wang


def test_a_withdrawn_consent_closes_its_fields_for_its_purpose_on_every_path(
    register: Register, town: Hub, run: Run
) -> None:
    async def main() -> None:
        li, wang = await two_people(town, "w")
        given = Given(purpose="safety", fields=PHONE, basis=Basis.CONSENT, evidence="file 2026-7")
        await register.consents.give(li, given, WORD)
        for document in PATHS.values():
            assert "1234" in await register.text(document, SAFETY, id=li)
        await register.consents.withdraw(li, "safety", "file 2026-8", WORD)
        for path, document in PATHS.items():
            text = await register.text(document, SAFETY, id=li)
            assert "1234" not in text and "Li w" in text, path  # what they did not withdraw is shown
            assert "5678" in await register.text(document, SAFETY, id=wang), path
        operations = replace(SAFETY, purpose="operations")
        assert "1234" in await register.text(PATHS["one"], operations, id=li)
        await register.consents.give(li, given, WORD)
        assert "1234" in await register.text(PATHS["list"], SAFETY)

    run(main())


def test_a_persons_certificate_goes_with_them_and_a_closed_name_is_no_order(
    register: Register, town: Hub, run: Run
) -> None:
    async def main() -> None:
        li, _ = await two_people(town, "c")
        await said(town, "plan", "Qualification", "aid-c", {"HELD_BY": "plan:li-c"}, skill="aid", certificate="CERT-91")
        document = "{ qualifications(first: 500) { nodes { certificate } } }"
        fields = ("Qualification.certificate", "Person.name")
        assert "CERT-91" in await register.text(document, SAFETY)
        await register.consents.give(
            li, Given(purpose="safety", fields=fields, basis=Basis.CONSENT, evidence="file 9"), WORD
        )
        await register.consents.withdraw(li, "safety", "file 10", WORD)
        assert "CERT-91" not in await register.text(document, SAFETY)
        for tells in (
            "{ people(orderBy: NAME) { nodes { id } } }",
            '{ people(filter: {search: "li"}) { totalCount } }',
        ):
            refused = await register.ask(tells, SAFETY)
            assert [each.original_error.code for each in refused.errors] == ["FORBIDDEN"], tells

    run(main())


def test_another_process_learns_of_it_within_a_second(register: Register, town: Hub, tmp_path: Path, run: Run) -> None:
    async def main() -> None:
        li, _ = await two_people(town, "p")
        other = Register(town, tmp_path)
        following = asyncio.create_task(other.consents.run())
        given = Given(purpose="reporting", fields=PHONE, basis=Basis.CONSENT, evidence="file 1")
        await register.consents.give(li, given, WORD)
        await register.consents.withdraw(li, "reporting", "file 2", WORD)
        try:
            async with asyncio.timeout(10):  # a busy machine
                while li not in other.consents.withheld("reporting").get("Person.phone", ()):  # noqa: ASYNC110  its own look at the log
                    await asyncio.sleep(0.01)
        finally:
            following.cancel()

    run(main())


REFUSALS: Mapping[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a field that is not personal": ({"fields": ("Person.roles",)}, BadRequest, "no personal field"),
    "no field": ({"fields": ()}, BadRequest, "name the fields"),
    "a purpose that nobody has": ({"purpose": "marketing"}, BadRequest, "there is no purpose"),
    "no evidence": ({"evidence": " "}, BadRequest, "looked up"),
    "evidence that names them": ({"evidence": "13900001234 called"}, BadRequest, "names the person"),
}


def test_what_cannot_be_recorded_is_refused_with_what_to_do(register: Register, town: Hub, run: Run) -> None:
    async def main() -> None:
        li, _ = await two_people(town, "r")
        right: dict[str, Any] = {"purpose": "safety", "fields": PHONE, "basis": Basis.LEGAL_DUTY, "evidence": "file 3"}
        for changed, error, text in REFUSALS.values():
            with pytest.raises(error, match=text):
                await register.consents.give(li, Given(**(right | changed)), WORD)
        with pytest.raises(NotFound, match="nothing to withdraw"):
            await register.consents.withdraw(li, "safety", "file 4", WORD)
        await register.consents.give(li, Given(**right), WORD)
        with pytest.raises(Refused, match="LEGAL_DUTY, not on consent"):
            await register.consents.withdraw(li, "safety", "file 4", WORD)

    run(main())


GIVE = """mutation ($id: ID!, $key: String!) { giveConsent(person: $id, purpose: "safety", fields: ["Person.phone"],
  evidence: "file 5", idempotencyKey: $key) { __typename ... on RecordConsentSuccess { consent { standing } } } }"""
WITHDRAW = """mutation ($id: ID!, $key: String!) { withdrawConsent(person: $id, purpose: "safety", evidence: "file 6",
  idempotencyKey: $key) { __typename ... on RecordConsentSuccess { consent { standing recordedBy } } } }"""
LISTED = "query ($id: ID!) { consents(person: $id) { purpose fields basis evidence standing recordedBy } }"


def test_the_privacy_officer_records_and_reads_them_and_nobody_else(register: Register, town: Hub, run: Run) -> None:
    async def main() -> None:
        li, _ = await two_people(town, "g")
        given = await register.ask(GIVE, OFFICER, id=li, key="g-1")
        assert given.data == {"giveConsent": {"__typename": "RecordConsentSuccess", "consent": {"standing": True}}}
        withdrawn = await register.ask(WITHDRAW, OFFICER, id=li, key="g-2")
        assert withdrawn.data["withdrawConsent"]["consent"] == {"standing": False, "recordedBy": "officer"}
        again = await register.ask(WITHDRAW, OFFICER, id=li, key="g-2")
        assert again.data == withdrawn.data
        (listed,) = (await register.ask(LISTED, OFFICER, id=li)).data["consents"]
        assert listed == {
            "purpose": "safety",
            "fields": ["Person.phone"],
            "basis": "CONSENT",
            "evidence": "file 6",
            "standing": False,
            "recordedBy": "officer",
        }
        for document in (GIVE, WITHDRAW, LISTED):
            variables = {"id": li} | ({"key": "g-3"} if "$key" in document else {})
            refused = await register.ask(document, SAFETY, **variables)
            assert [each.original_error.code for each in refused.errors] == ["FORBIDDEN"]

    run(main())


PROVIDE = """mutation ($to: ID!, $key: String!, $fields: [String!]!, $at: DateTime!) { recordProvision(recipient: $to,
  purpose: "supervision", fields: $fields, people: 12, at: $at, evidence: "file 7", idempotencyKey: $key) {
  __typename ... on Problem { message } ... on RecordProvisionSuccess { provision { recipient people } } } }"""
PROVIDED = "{ personalDataProvided { recipient purpose fields people evidence recordedBy } }"


def test_what_was_given_away_beside_the_hub_is_recorded_once(register: Register, town: Hub, run: Run) -> None:
    async def main() -> None:
        fire = await said(town, "plan", "Organization", "fire-brigade", name="Fire brigade")
        right = {"to": fire, "key": "v-1", "fields": list(PHONE), "at": now().isoformat()}
        for _ in range(2):
            done = await register.ask(PROVIDE, OFFICER, **right)
            assert done.data["recordProvision"]["provision"] == {"recipient": fire, "people": 12}
        (row,) = (await register.ask(PROVIDED, OFFICER)).data["personalDataProvided"]
        assert (row["fields"], row["evidence"], row["recordedBy"]) == (["Person.phone"], "file 7", "officer")
        wrong = {
            "RecipientNotFound": {"to": (await two_people(town, "v"))[0], "key": "v-2"},  # a person is none
            "PersonalDataConflict": {"fields": ["Person.name"]},
            "PersonalDataRefused": {"fields": ["Place.name"], "key": "v-3"},
        }
        for problem, changed in wrong.items():
            refused = await register.ask(PROVIDE, OFFICER, **(right | changed))
            assert refused.data["recordProvision"]["__typename"] == problem, refused
        later = await register.ask(PROVIDE, OFFICER, **(right | {"key": "v-4", "at": "2999-01-01T00:00:00Z"}))
        assert "future" in later.data["recordProvision"]["message"]
        for document, variables in ((PROVIDE, right), (PROVIDED, {})):
            closed = await register.ask(document, SAFETY, **variables)
            assert [each.original_error.code for each in closed.errors] == ["FORBIDDEN"]

    run(main())


def test_everyone_reads_and_takes_back_what_was_recorded_of_them_and_of_nobody_else(
    register: Register, town: Hub, run: Run
) -> None:
    nobody = Viewer(subject="visitor", purpose="operations")

    async def ask(own: str | None, document: str, **variables: Any) -> Any:
        context = town.context((), consents=register.consents, person=lambda viewer: own)
        context = replace(context, viewer=nobody, others=dict.fromkeys(Action, ()))
        return await schema.execute(document, variable_values=variables, context_value=context)

    async def main() -> None:
        li, wang = await two_people(town, "own")
        for person in (li, wang):
            given = Given(purpose="safety", fields=PHONE, basis=Basis.CONSENT, evidence="file 11")
            await register.consents.give(person, given, WORD)
        mine = "{ consents { person standing } }"
        assert (await ask(li, mine)).data == {"consents": [{"person": li, "standing": True}]}
        assert (await ask(li, LISTED, id=li)).errors is None
        withdrawn = await ask(li, WITHDRAW, id=li, key="own-1")
        assert withdrawn.data["withdrawConsent"]["consent"] == {"standing": False, "recordedBy": "visitor"}
        for document, variables in ((LISTED, {"id": wang}), (WITHDRAW, {"id": wang, "key": "own-2"})):
            assert [each.original_error.code for each in (await ask(li, document, **variables)).errors] == ["FORBIDDEN"]
        assert [each.original_error.code for each in (await ask(None, mine)).errors] == ["FORBIDDEN"]

    run(main())
