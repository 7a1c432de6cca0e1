"""Places by CSV, as a person who enters a park meets them."""

from pathlib import Path

import pytest

from adapters.contract import Claim, Link
from hub.errors import BadRequest, Conflict, Refused
from hub.ingest.imports.preview import Retirement
from hub.journal.records import HUB, Draft
from tests.imports.entering import NOW, Park, in_park, names

GOOD = """code,kind,name,part_of,adjacent_to,level,area,latitude,longitude
P,PARK,示范园区,,,,,29.5,106.5
B1,building,Hall,P,B2,,1200,,
B2,BUILDING,Store,P,,,,,
B1-1F,STOREY,,B1,,1,,,
"""


def test_what_is_new_changed_unchanged_and_rejected_is_told_apart(tmp_path: Path) -> None:
    async def run(park: Park) -> None:
        shown = await park.enter("places", GOOD)
        assert names(shown) == (["P", "B1", "B2", "B1-1F"], [], [], [])
        again = await park.look("places", GOOD)
        assert names(again) == ([], [], ["P", "B1", "B2", "B1-1F"], [])
        assert await park.store(again) is None
        moved = await park.look("places", GOOD.replace("Store,P", "Shed,P") + "B3,BUILDING,New,P9,,,,,\n")
        assert names(moved) == ([], ["B2"], ["P", "B1", "B1-1F"], [6])
        assert moved.changed[0].differing == ("name",)
        assert "P9" in moved.rejected[0].reason

    in_park(tmp_path, run)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("B9,HANGAR,,,,,,,", "HANGAR"),
        (",ZONE,,,,,,,", "code is empty"),
        ("B9,,,,,,,,", "kind is empty"),
        ("B1,ZONE,,,,,,,", "row 3"),
        ("B9,ZONE,,,,first,,,", "first"),
        ("B9,ZONE,,,,1.5,,,", "whole number"),
        ("B9,ZONE,,,,,nan,,", "no number"),
        ("B9,ZONE,,,,,1e999,,", "cannot be"),
        ("B9,ZONE,,,,,-3,,", "cannot be"),
        ("B9,ZONE,,,,99999999999999999999,,,", "level"),
        ("B9,ZONE,,,,,,106.5,29.5", "swapped"),
        ("B9,ZONE,,,,,,29.5,", "longitude is empty"),
        ("B9,ZONE,,,,,,39.9,116.4", "km from the park's other places"),
        ("B9,ZONE,,,,,,,,surplus", "more cells"),
        ("B9,ZONE,,B8,,,,,", "no place has the code B8"),
        ("B9,ZONE,,B9,,,,,", "within itself"),
        ("B9,ZONE,,019a0000-0000-7000-8000-000000000000,,,,,", "no Place has the id"),
        ("route:R1,ZONE,,,,,,,", "one of the hub's own names"),
        (f"{'x' * 201},ZONE,,,,,,,", "no code"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why_and_the_others_are(row: str, said: str, tmp_path: Path) -> None:
    shown = in_park(tmp_path, lambda park: park.look("places", GOOD + row + "\n"))
    assert names(shown) == (["P", "B1", "B2", "B1-1F"], [], [], [6])
    assert said in shown.rejected[0].reason


def test_what_lies_in_a_rejected_place_is_rejected_with_it(tmp_path: Path) -> None:
    shown = in_park(
        tmp_path, lambda park: park.look("places", "code,kind,part_of\nA,HANGAR,\nB,ZONE,A\nC,ZONE,B\nD,ZONE,\n")
    )
    assert names(shown) == (["D"], [], [], [2, 3, 4])
    assert "no place has the code A" in shown.rejected[1].reason


def test_places_that_lie_within_themselves_are_rejected(tmp_path: Path) -> None:
    shown = in_park(tmp_path, lambda park: park.look("places", "code,kind,part_of\nA,ZONE,B\nB,ZONE,A\nC,ZONE,\n"))
    assert names(shown) == (["C"], [], [], [2, 3])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_files_as_chinese_spreadsheets_save_them_are_read(encoding: str, tmp_path: Path) -> None:
    shown = in_park(tmp_path, lambda park: park.enter("places", GOOD.encode(encoding)))
    assert shown.new[0].claim.values["name"] == "示范园区"


def test_a_wrong_header_names_the_nearest_column(tmp_path: Path) -> None:
    async def run(park: Park) -> None:
        for file, said in (
            ("code,kind,part\nA,ZONE,\n", "part_of"),
            ("code,name\nA,x\n", "kind"),
            ("code,kind,编码\nA,ZONE,A\n", "twice"),
            ("", "empty"),
        ):
            with pytest.raises(BadRequest, match=said):
                await park.look("places", file)

    in_park(tmp_path, run)


def test_what_a_file_does_not_speak_of_stays_as_it_was(tmp_path: Path) -> None:
    async def run(park: Park) -> None:
        await park.enter("places", GOOD)
        shown = await park.enter("places", "code,kind,capacity\nB1,BUILDING,80\n")
        assert shown.changed[0].differing == ("capacity",)
        claim = (await park.claims("Place"))["B1"]
        assert (claim.values["name"], claim.values["area"], claim.values["capacity"]) == ("Hall", 1200.0, 80)
        assert {link.target for link in claim.links} == {"P", "B2"}
        await park.enter("places", "code,kind,area\nB1,BUILDING,\n")
        assert "area" not in (await park.claims("Place"))["B1"].values

    in_park(tmp_path, run)


def test_a_place_goes_with_what_lies_in_it_and_comes_back_the_same(tmp_path: Path) -> None:
    async def run(park: Park) -> None:
        first = await park.enter("places", GOOD)
        entities = await park.journal.live_of(["Place"])
        await park.enter("occupancy", "place,count\nB1-1F,4\n")
        alone = await park.look("places", "code,kind,gone\nB1,BUILDING,yes\n")
        assert "B1-1F" in alone.rejected[0].reason and not alone.retired
        both = await park.enter("places", "code,kind,gone\nB1,BUILDING,yes\nB1-1F,STOREY,是\nB9,ZONE,yes\n")
        assert [row.code for row in both.retired] == ["B1", "B1-1F"]
        assert [row.code for row in both.unchanged] == ["B9"]
        assert set(await park.claims("Place")) == {"P", "B2"}
        assert names(await park.enter("places", GOOD))[0] == ["B1", "B1-1F"]
        again = await park.journal.live_of(["Place"])
        assert {each.entity for each in again} == {each.entity for each in entities}
        assert len(first.new) == len(again)

    in_park(tmp_path, run)


def test_what_is_still_in_a_place_that_would_be_retired_is_named(tmp_path: Path) -> None:
    async def run(park: Park) -> None:
        await park.enter("places", GOOD)
        inside = (Link(relation="STORED_IN", target="B2", source=HUB),)
        lots = [Claim(kind="SupplyLot", external_id=f"L{n}", values={"name": "灭火器"}, links=inside) for n in range(3)]
        camera = Claim(
            kind="Asset",
            external_id="door",
            values={"kind": "CAMERA"},
            links=(Link(relation="LOCATED_IN", target="B2", source=HUB),),
        )
        await park.journal.append(Draft(source="acme", received_at=NOW, claims=[*lots, camera]))
        gone = "code,kind,gone\nB2,BUILDING,yes\nB1,BUILDING,yes\nB1-1F,STOREY,yes\n"
        told = {row.code: row.leaning for row in (await park.look("places", gone)).retired}
        assert told == {"B2": "1 devices, 3 lots still in it: L0, L1, L2 …", "B1": "", "B1-1F": ""}
        park.retirement = Retirement(missing=True, confirmed=True)
        left = await park.look("places", "code,kind\nP,PARK\n")
        assert {row.code: row.leaning for row in left.missing} == told

    in_park(tmp_path, run)


def test_what_a_file_leaves_out_goes_only_when_asked_and_much_of_it_only_when_confirmed(tmp_path: Path) -> None:
    async def run(park: Park) -> None:
        await park.enter("places", GOOD)
        less = GOOD.replace("B1-1F,STOREY,,B1,,1,,,\n", "")
        assert names(await park.look("places", less))[2] == ["P", "B1", "B2"]
        park.retirement = Retirement(missing=True)
        with pytest.raises(Refused, match=r"3 of 4.*--confirm-retirement"):
            await park.look("places", "code,kind\nP,PARK\n")
        await park.enter("places", less)
        assert set(await park.claims("Place")) == {"P", "B1", "B2"}
        park.retirement = Retirement(missing=True, confirmed=True)
        await park.enter("places", "code,kind\nP,PARK\n")
        assert set(await park.claims("Place")) == {"P"}

    in_park(tmp_path, run)


def test_a_rejected_row_still_names_its_place(tmp_path: Path) -> None:
    """Its level cannot be read: that is no reason to retire it."""

    async def run(park: Park) -> None:
        await park.enter("places", GOOD)
        park.retirement = Retirement(missing=True)
        shown = await park.look("places", GOOD.replace("B1-1F,STOREY,,B1,,1", "B1-1F,STOREY,,B1,,first"))
        assert (shown.missing, [row.number for row in shown.rejected]) == ([], [5])

    in_park(tmp_path, run)


def test_two_people_who_import_at_once_are_told(tmp_path: Path) -> None:
    async def run(park: Park) -> None:
        one, other = await park.look("places", GOOD), await park.look("places", GOOD.replace("Hall", "Shed"))
        await park.store(one)
        with pytest.raises(Conflict):
            await park.store(other)

    in_park(tmp_path, run)
