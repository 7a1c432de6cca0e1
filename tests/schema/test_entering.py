"""What people enter by mutation: tables, head counts, ways that are blocked."""

from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Claim, Link
from hub.errors import Forbidden
from hub.ingest.imports.kinds import KINDS
from hub.ingest.imports.templates import as_workbook
from hub.journal.records import HUB
from hub.viewer import Grant, Mask, Scope
from tests.schema.conftest import Run
from tests.schema.hub import Hub

IMPORT = """
mutation ($kind: TableKind!, $upload: ID!, $key: String!, $dry: Boolean! = false, $missing: Boolean! = false) {
  importTable(kind: $kind, upload: $upload, dryRun: $dry, idempotencyKey: $key, retireMissing: $missing) {
    __typename
    ... on ImportTableSuccess {
      new changed unchanged retired missing rejected dryRun projected rejectedRows { number reason }
    }
    ... on Problem { code message }
  }
}
"""
COUNT = """
mutation ($place: ID!, $count: Int!, $key: String!) {
  setOccupancy(place: $place, count: $count, idempotencyKey: $key) {
    __typename
    ... on SetOccupancySuccess {
      projected
      place {
        occupancy
        facts(fields: ["occupancy"]) { source value conflicting { source value } }
      }
    }
    ... on Problem { code message }
  }
}
"""
BLOCK = """
mutation ($route: ID!, $key: String!) {
  blockRoute(id: $route, reason: "积水", idempotencyKey: $key) {
    __typename ... on BlockRouteSuccess { projected route { blocked blockedReason length } } ... on Problem { code }
  }
}
"""
UNBLOCK = """
mutation ($route: ID!, $key: String!) {
  unblockRoute(id: $route, idempotencyKey: $key) {
    __typename ... on UnblockRouteSuccess { route { blocked blockedReason length } } ... on Problem { code }
  }
}
"""
ROUTE = "code,from,to,length\nE1,{one},{other},85\n"


async def imported(hub: Hub, kind: str, content: str | bytes, key: str, **more: Any) -> dict[str, Any]:
    result = (await hub.ask(IMPORT, kind=kind, upload=await hub.sent(content), key=key, **more))["importTable"]
    assert isinstance(result, dict)
    return result


def test_a_table_is_looked_at_then_stored_and_a_repeat_gets_the_first_answer(hub: Hub, run: Run) -> None:
    file = "编码,类型,名称\nT1,楼栋,一号楼\nT2,HANGAR,x\n"

    async def play() -> None:
        looked = await imported(hub, "PLACES", file, "", dry=True)
        assert (looked["new"], looked["rejected"], looked["dryRun"]) == (1, 1, True)
        stored = await imported(hub, "PLACES", file, "table-1")
        assert (stored["new"], stored["projected"]) == (1, True)
        assert [row["number"] for row in stored["rejectedRows"]] == [3]
        assert "HANGAR" in stored["rejectedRows"][0]["reason"]
        again = await imported(hub, "PLACES", file, "table-1")
        assert {**again, "projected": True} == stored
        assert (await imported(hub, "PLACES", file, "table-2"))["unchanged"] == 1
        other = await imported(hub, "PLACES", file.replace("一号", "二号"), "table-1")
        assert other["__typename"] == "EntryConflict"

    run(play())


def test_excel_comes_as_base64(hub: Hub, run: Run) -> None:
    async def play() -> None:
        looked = await imported(hub, "PLACES", as_workbook(KINDS["places"], "zh"), "", dry=True)
        assert looked["new"] == len(KINDS["places"].examples["zh"])
        broken = await imported(hub, "PLACES", "no base64!", "b", format="BASE64")
        assert broken["__typename"] == "TableUnreadable"

    run(play())


def test_what_is_wrong_with_a_file_is_a_problem_that_the_caller_can_mend(hub: Hub, run: Run) -> None:
    async def play() -> None:
        header = await imported(hub, "PLACES", "codes,art\n", "c")
        assert (header["__typename"], header["code"]) == ("TableUnreadable", "BAD_REQUEST")
        no_key = await imported(hub, "PLACES", "code,kind\nT9,ZONE\n", "")
        assert "idempotencyKey" in no_key["message"]
        await imported(hub, "ORGANIZATIONS", "code,name\nO1,One\nO2,Two\nO3,Three\n", "o")
        less = await imported(hub, "ORGANIZATIONS", "code,name\nO1,One\n", "p", missing=True)
        assert less["__typename"] == "RetirementRefused"

    run(play())


def test_who_does_not_see_the_whole_park_imports_no_table(hub: Hub, run: Run) -> None:
    narrow: Mask = (Grant(scope=Scope(name="within_places", parameters={"places": (hub.ids["east"],)})),)
    variables = {"kind": "PLACES", "upload": "0" * 64, "key": "x"}
    result = run(hub.execute(IMPORT, mask=narrow, **variables))
    assert isinstance(result.errors[0].original_error, Forbidden)
    hidden = run(hub.ask(COUNT, mask=narrow, place=hub.ids["west"], count=1, key="narrow"))
    assert hidden["setOccupancy"]["__typename"] == "EntityNotFound"


def test_a_count_by_hand_stands_beside_what_another_source_says(hub: Hub, run: Run) -> None:
    async def play() -> None:
        counted = Claim(kind="Place", external_id="hall", values={"kind": "BUILDING", "name": "Hall", "occupancy": 5})
        await hub.append(source="plan", claims=[counted])
        variables = {"place": hub.ids["hall"], "count": 7, "key": "count-1"}
        said = (await hub.ask(COUNT, **variables))["setOccupancy"]
        assert said["projected"] and said["place"]["occupancy"] == 7
        (fact,) = said["place"]["facts"]
        assert (fact["source"], fact["value"]) == (HUB, 7)
        assert fact["conflicting"] == [{"source": "plan", "value": 5}]
        assert (await hub.ask(COUNT, **variables))["setOccupancy"]["__typename"] == "SetOccupancySuccess"
        other = await hub.ask(COUNT, **{**variables, "count": 8})
        assert other["setOccupancy"]["__typename"] == "EntryConflict"
        nowhere = await hub.ask(COUNT, place="nowhere", count=1, key="count-2")
        assert nowhere["setOccupancy"]["code"] == "NOT_FOUND"

    run(play())


@pytest.mark.parametrize("by", ["hub", "plan"])
def test_a_route_is_blocked_and_free_again_whoever_told_of_it(by: str, hub: Hub, run: Run) -> None:
    async def play() -> None:
        if by == "hub":
            stored = await imported(hub, "ROUTES", ROUTE.format(one=hub.ids["east"], other=hub.ids["west"]), "route")
            assert stored["new"] == 1, stored
            held = await hub.journal.live_of(["Route"])
            route = next(each.entity for each in held if each.claim.external_id == "route:E1")
        else:
            ends = tuple(Link(relation="CONNECTS", target=name) for name in ("east", "west"))
            claim = Claim(kind="Route", external_id="way", values={"length": 85.0}, links=ends)
            await hub.append(source="plan", claims=[claim])
            route = hub.ids["way"]
        blocked = (await hub.ask(BLOCK, route=route, key=f"block-{by}"))["blockRoute"]
        assert blocked["route"] == {"blocked": True, "blockedReason": "积水", "length": 85.0}
        freed = (await hub.ask(UNBLOCK, route=route, key=f"free-{by}"))["unblockRoute"]
        assert freed["route"] == {"blocked": False, "blockedReason": None, "length": 85.0}
        wrong = await hub.ask(BLOCK, route=hub.ids["east"], key="a place")
        assert wrong["blockRoute"]["code"] == "NOT_FOUND"

    run(play())


def test_every_kind_of_table_has_its_word_in_the_schema() -> None:
    from schema.entering import TableKind

    assert {kind.value.lower() for kind in TableKind} == set(KINDS)
    assert Path("schema/schema.graphql").read_text(encoding="utf-8").count("enum TableKind") == 1
