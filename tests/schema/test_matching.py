"""What is one thing and what is two, from the sources' words to a person's: the stories of a park, end to end."""

import asyncio
from types import MappingProxyType
from typing import Any

from hub.viewer import Grant, Scope
from schema.schema import schema
from tests.schema.conftest import Run
from tests.schema.hub import Hub
from tests.schema.town import claim

MATCHES = """{ matches { id reason evidence { scheme value } proposedAt
  left { __typename id ... on Asset { name provenance { source } } } right { id ... on Asset { name model } } } }"""
ACCEPT = """mutation ($id: ID!, $key: String!, $wide: Boolean = false) {
  acceptMatch(id: $id, idempotencyKey: $key, reason: "looked at both", wide: $wide) { __typename
    ... on AcceptMatchSuccess { projected entity { id ... on Asset { name facts(fields: ["name"]) { source
      conflicting { source } } } } } ... on Problem { code message } } }"""
REFUSE = """mutation ($id: ID!, $key: String!) { refuseMatch(id: $id, idempotencyKey: $key) { __typename
    ... on RefuseMatchSuccess { projected entities { id } } ... on Problem { code } } }"""
MERGE = """mutation ($one: ID!, $other: ID!, $key: String!) {
  mergeEntities(one: $one, other: $other, idempotencyKey: $key) { __typename
    ... on MergeEntitiesSuccess { projected entity { id } } ... on Problem { code message } } }"""
SPLIT = """mutation ($alias: ID!, $key: String!) { splitEntity(alias: $alias, idempotencyKey: $key) { __typename
    ... on SplitEntitySuccess { projected entities { id ... on Asset { name } } } ... on Problem { code message } } }"""


async def said(
    hub: Hub, source: str, kind: str, id_: str, links: dict[str, str] | None = None, /, **values: Any
) -> str:
    await hub.append(source=source, claims=[claim(kind, id_, links, **values)])
    return hub.ids[id_]


async def matches(hub: Hub, *sides: str) -> list[dict[str, Any]]:
    found = (await hub.ask(MATCHES))["matches"]
    return [each for each in found if {each["left"]["id"], each["right"]["id"]} == set(sides)]


def test_the_same_company_from_four_sources_is_one(town: Hub, run: Run) -> None:
    async def main() -> None:
        code = {"unified_social_credit_code": "91500107MA60ABCD1X"}
        names = {"registry": "重庆渝力机械有限公司", "tax": "渝力机械", "survey": "渝力", "plan": "Yuli Machinery"}
        ids = {
            await said(town, source, "Organization", f"yuli-{source}", name=name, identifiers=code)
            for source, name in names.items()
        }
        living = set((await town.journal.resolve(sorted(ids))).values())
        assert len(living) == 1
        found = await town.ask(
            """query ($id: ID!) { organization(id: $id) { id name provenance { source }
                 facts(fields: ["name"]) { source conflicting { source } } } }""",
            id=ids.pop(),
        )
        one = found["organization"]
        assert {each["source"] for each in one["provenance"]} == set(names)
        (fact,) = one["facts"]
        assert {fact["source"], *(each["source"] for each in fact["conflicting"])} == set(names)
        listed = await town.ask('{ organizations(filter: {search: "yuli"}) { totalCount } }')
        assert listed["organizations"]["totalCount"] <= 1

    run(main())


def test_the_same_extinguisher_of_a_survey_and_of_a_tenants_list(town: Hub, run: Run) -> None:
    async def main() -> None:
        here = {"LOCATED_IN": "plan:east-1"}
        serial = {"serial_number": "XINGHUO/5567"}
        tag = await said(town, "survey", "Asset", "ext-1", here, kind="EQUIPMENT", name="灭火器 A", identifiers=serial)
        row = await said(town, "acme", "Asset", "list-1", here, kind="EQUIPMENT", name="A 号灭火器", identifiers=serial)
        living = await town.journal.resolve([tag, row])
        if living[tag] != living[row]:
            (match,) = await matches(town, tag, row)
            assert match["reason"] == "TWO_ORGANIZATIONS"
            assert match["evidence"] == [{"scheme": "serial_number", "value": match["evidence"][0]["value"]}]
        # Without a number of its own it only looks alike: a person is asked.
        tag = await said(town, "survey", "Asset", "ext-2", here, kind="EQUIPMENT", name="灭火器 B", model="MFZ4")
        row = await said(town, "acme", "Asset", "list-2", here, kind="EQUIPMENT", name="灭火器 B", model="MFZ/ABC4")
        (match,) = await matches(town, tag, row)
        assert match["reason"] == "LOOKS_ALIKE"
        assert match["evidence"][0]["scheme"] == "name_and_place"
        assert match["left"]["__typename"] == "Asset"
        done = (await town.ask(ACCEPT, id=match["id"], key="b-1"))["acceptMatch"]
        assert (done["__typename"], done["projected"]) == ("AcceptMatchSuccess", True)
        (fact,) = done["entity"]["facts"]
        assert fact["source"] == "acme"
        assert await town.ask(ACCEPT, id=match["id"], key="b-1") == {"acceptMatch": done}  # a repeat
        late = (await town.ask(ACCEPT, id=match["id"], key="b-2"))["acceptMatch"]
        assert (late["__typename"], late["code"]) == ("MatchAlreadyDecided", "CONFLICT")
        reused = (await town.ask(REFUSE, id=match["id"], key="b-1"))["refuseMatch"]
        assert reused["__typename"] == "DecisionConflict"
        assert await matches(town, tag, row) == []
        kept = done["entity"]["id"]
        (alias,) = {tag, row} - {kept}
        parted = (await town.ask(SPLIT, alias=alias, key="b-3"))["splitEntity"]
        assert parted["projected"] is True
        assert [each["id"] for each in parted["entities"]] == [kept, alias]
        again = (await town.ask(SPLIT, alias=alias, key="b-4"))["splitEntity"]
        assert (again["__typename"], again["code"]) == ("NotAnAlias", "BAD_REQUEST")
        assert await matches(town, tag, row) == []  # what a person parted is not proposed again

    run(main())


def test_two_tenants_with_the_same_number_and_lot_are_never_one(town: Hub, run: Run) -> None:
    async def main() -> None:
        lots = (
            await town.ask('{ supplyLots(filter: {search: "干粉"}) { nodes { id gtin lotNumber holder { name } } } }')
        )["supplyLots"]["nodes"]
        assert [(lot["gtin"], lot["lotNumber"]) for lot in lots] == [("06901234567892", "L7")] * 2
        assert {lot["holder"]["name"] for lot in lots} == {"重庆宏达五金", "Bolt Tools"}
        assert await matches(town, *(lot["id"] for lot in lots)) == []

    run(main())


def test_what_was_refused_stays_apart_and_what_cannot_be_is_told(town: Hub, run: Run) -> None:
    async def main() -> None:
        here = {"LOCATED_IN": "plan:west"}
        one = await said(town, "survey", "Asset", "pump-1", here, kind="EQUIPMENT", name="水泵")
        other = await said(town, "acme", "Asset", "pump-2", here, kind="EQUIPMENT", name="水泵")
        (match,) = await matches(town, one, other)
        west = (await town.journal.resolve([town.ids["west"]]))[town.ids["west"]]
        elsewhere = (Grant(scope=Scope(name="within_places", parameters=MappingProxyType({"places": ("nowhere",)}))),)
        assert (await town.ask("{ matches { id } }", mask=elsewhere)) == {"matches": []}
        blind = await town.ask(ACCEPT, mask=elsewhere, id=match["id"], key="p-0")
        assert blind["acceptMatch"]["__typename"] == "MatchNotFound"
        there = (Grant(scope=Scope(name="within_places", parameters=MappingProxyType({"places": (west,)}))),)
        assert match["id"] in [each["id"] for each in (await town.ask("{ matches { id } }", mask=there))["matches"]]
        refused = (await town.ask(REFUSE, id=match["id"], key="p-1"))["refuseMatch"]
        assert refused["projected"] is True
        assert {each["id"] for each in refused["entities"]} == {one, other}
        assert await matches(town, one, other) == []
        unknown = (await town.ask(MERGE, one=one, other="nothing", key="p-2"))["mergeEntities"]
        assert (unknown["__typename"], unknown["code"]) == ("EntityNotFound", "NOT_FOUND")
        itself = (await town.ask(MERGE, one=one, other=one, key="p-3"))["mergeEntities"]
        assert itself["__typename"] == "EntitiesAlreadyOne"
        empty = await town.execute(MERGE, one=one, other=other, key="")
        assert empty.errors
        both = await asyncio.gather(*(town.ask(MERGE, one=one, other=other, key="p-4") for _ in range(2)))
        assert both[0] == both[1]
        assert both[0]["mergeEntities"]["__typename"] == "MergeEntitiesSuccess"

    run(main())


def test_whose_records_a_match_names_is_in_the_audit(town: Hub, run: Run) -> None:
    async def main() -> None:
        badge = {"serial_number": "BADGE/77"}
        sides = [await said(town, "plan", "Person", id_, name=id_, identifiers=badge) for id_ in ("hu-1", "hu-2")]
        await matches(town, *sides)
        context = town.context()
        await schema.execute("{ matches { id } }", context_value=context)
        assert set(context.ledger.fields["Person.id"].shown) >= set(sides)
        assert context.ledger.personal

    run(main())
