"""Every kind of table: its templates come in as they are written, and its bad rows say what is wrong."""

import csv
import io
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from hub.ingest.imports.kinds import KINDS
from hub.ingest.imports.templates import as_csv, as_workbook, rows
from hub.journal.records import EventEntry
from tests.imports.entering import Park, in_park, names

Language = Literal["zh", "en"]


async def enter_all(park: Park, language: Language = "en", *, but: str = "") -> None:
    for kind in KINDS.values():
        if kind.name != but:
            await park.enter(kind.name, as_csv(kind, language))


@pytest.mark.parametrize("write", [as_csv, as_workbook])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_template_comes_in_as_it_is_and_once(language: Language, write: object, tmp_path: Path) -> None:
    assert callable(write)

    async def run(park: Park) -> None:
        for kind in KINDS.values():
            shown = await park.enter(kind.name, write(kind, language))
            assert len(shown.new) == len(kind.examples[language]), kind.name
            again = await park.look(kind.name, write(kind, language))
            assert (len(again.unchanged), again.changes) == (len(kind.examples[language]), 0), kind.name

    in_park(tmp_path, run)


def test_both_languages_say_the_same(tmp_path: Path) -> None:
    """But for names and notes, which are words."""

    async def run(park: Park) -> None:
        await enter_all(park, "en")
        for kind in KINDS.values():
            shown = await park.look(kind.name, as_csv(kind, "zh"))
            assert not shown.new and not shown.rejected, kind.name
            told = {field for row in shown.changed for field in row.differing}
            assert told <= {"name", "kind", "roles", "role", "controls", "issuer", "address", "device_type"}, (
                kind.name,
                told,
            )

    in_park(tmp_path, run)


def test_a_template_has_a_cell_for_each_column() -> None:
    for kind in KINDS.values():
        for language in ("zh", "en"):
            assert {len(row) for row in rows(kind, language)} == {len(rows(kind, language)[0])}, kind.name
            assert all(len(example) == len(kind.columns) for example in kind.examples[language]), kind.name


BAD = {
    "routes": [
        ({"to": "B1"}, "to the same place"),
        ({"to": "B77"}, "no place has the code B77"),
        ({"length": "-5"}, "cannot be"),
        ({"length": "85 m"}, "no number"),
        ({"drivable": "perhaps"}, "neither yes nor no"),
        ({"from": ""}, "from is empty"),
    ],
    "organizations": [
        ({"name": ""}, "name is empty"),
        ({"kind": "SHOP"}, "is not known"),
        ({"unified_social_credit_code": "9135"}, "18 digits"),
        ({"unified_social_credit_code": "91350100M000100Y44"}, "check digit"),
        ({"occupies": "B1;B77"}, "B77"),
        ({"jurisdiction": "B77"}, "B77"),
    ],
    "people": [
        ({"code": "50010119900101123X"}, "no staff number"),
        ({"code": "13800000007"}, "no staff number"),
        ({"name": ""}, "name is empty"),
        ({"phone": "ask at the gate"}, "no telephone number"),
        ({"employer": "T-999"}, "no organization has the code T-999"),
    ],
    "certificates": [
        ({"person": "G-99"}, "no person has the code"),
        ({"skill": ""}, "skill is empty"),
        ({"issued": "soon"}, "no date"),
        ({"issued": "2025-02-30"}, "no such day"),
        ({"issued": "2028-03-02"}, "expire before"),
    ],
    "roster": [
        ({"person": "G-99"}, "no person has the code"),
        ({"date": "31.12."}, "no date"),
        ({"start": "25:00"}, "no such time"),
        ({"start": "early"}, "no time"),
        ({"date": "", "start": "20:00"}, "no date"),
        ({"end": "2026-05-09 08:00"}, "192 h"),
        ({"end": "2026-04-30 08:00"}, "may last up to 72 h"),
        ({"place": "B77"}, "B77"),
    ],
    "hazards": [
        ({"likelihood": "6"}, "from 1 to 5"),
        ({"likelihood": "0"}, "from 1 to 5"),
        ({"consequence": "grave"}, "no number"),
        ({"consequence": ""}, "consequence is empty"),
        ({"review_due": "2026-03-01"}, "before the last one"),
        ({"place": "B77"}, "B77"),
        ({"threatens": "B77"}, "B77"),
    ],
    "equipment": [
        ({"kind": "ROBOT"}, "is not known"),
        ({"kind": "", "device": "recorder-gate/channel/1"}, "kind is empty"),
        ({"device": "channel"}, "SOURCE/NAME"),
        ({"place": "B77"}, "no place has the code B77"),
        ({"monitors": "B1;B77"}, "B77"),
        ({"latitude": "29.5", "longitude": ""}, "longitude is empty"),
    ],
    "goods": [
        ({"hazard_class": "10"}, "none of GB 6944"),
        ({"hazard_class": "3.1"}, "none of GB 6944"),
        ({"un_number": "12345"}, "not four digits"),
        ({"unit": ""}, "no unit"),
        ({"unit": "buckets"}, "is not known"),
        ({"amount": "-1"}, "cannot be"),
        ({"owner": "T-999"}, "T-999"),
        ({"place": ""}, "place is empty"),
    ],
    "agreements": [
        ({"provider": "T-999"}, "no organization has the code T-999"),
        ({"recipient": "T-017"}, "with itself"),
        ({"types": "SupplyLots"}, "SupplyLot"),
        ({"types": ""}, "types are empty"),
        ({"purposes": ""}, "purposes are empty"),
        ({"from": ""}, "from is empty"),
        ({"from": "soon"}, "no date"),
        ({"until": "2025-12-31"}, "end before it begins"),
    ],
    "occupancy": [
        ({"count": ""}, "count is empty"),
        ({"count": "-1"}, "cannot be"),
        ({"count": "1.5"}, "whole number"),
        ({"at": "2026-05-02 09:00"}, "in the future"),
        ({"place": "B77"}, "no place has the code B77"),
    ],
}


@pytest.mark.parametrize("name", list(BAD))
def test_each_bad_row_says_what_is_wrong_and_the_sum_is_the_file(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    header, first, *_ = rows(kind, "en")

    async def look(park: Park, cells: list[list[str]]) -> dict[int, str]:
        out = io.StringIO()
        csv.writer(out).writerows([header, *cells])
        shown = await park.look(name, out.getvalue())
        told = (shown.new, shown.changed, shown.unchanged, shown.retired, shown.rejected)
        assert sum(map(len, told)) == len(cells)
        return {row.number: row.reason for row in shown.rejected}

    async def run(park: Park) -> None:
        await enter_all(park)
        bad = [[cells.get(column, cell) for column, cell in zip(header, first, strict=True)] for cells, _ in BAD[name]]
        if "code" in header:  # each a thing of its own, so that it is not refused for being the same
            code = header.index("code")
            for number, row in enumerate(bad):
                row[code] = f"{row[code]}-{number}" if row[code] == first[code] else row[code]
            reasons = await look(park, [*bad, first])
            assert len(reasons) == len(bad)
        else:
            reasons = {number: (await look(park, [row]))[2] for number, row in enumerate(bad, start=2)}
        for number, (cells, said) in enumerate(BAD[name], start=2):
            assert said in reasons[number], cells

    in_park(tmp_path, run)


def test_a_night_shift_is_stored_in_utc_and_ends_the_next_day(tmp_path: Path) -> None:
    async def run(park: Park) -> None:
        await enter_all(park, but="roster")
        await park.enter(
            "roster",
            "工号,日期,开始,结束,岗位\nG-07,2026年5月31日,20:00,8:00,保安\nG-08,2026/5/31,晚上8点半,24:00,保安\n"
            "G-08,,2026-06-02 08:00,2026-06-02 20:00,保安\n",
        )
        shifts = [claim.values for claim in (await park.claims("Shift")).values()]
        assert [(str(each["starts_at"])[:16], str(each["ends_at"])[:16]) for each in shifts] == [
            ("2026-05-31T12:00", "2026-06-01T00:00"),
            ("2026-05-31T12:30", "2026-05-31T16:00"),
            ("2026-06-02T00:00", "2026-06-02T12:00"),
        ]

    in_park(tmp_path, run)


def test_a_time_that_the_clocks_leap_over_is_none(tmp_path: Path) -> None:
    async def run(park: Park) -> None:
        park.zone = ZoneInfo("Europe/Berlin")
        await enter_all(park, but="roster")
        shown = await park.look("roster", "person,date,start,end\nG-07,2026-03-29,02:30,08:00\n")
        assert "leap over" in shown.rejected[0].reason

    in_park(tmp_path, run)


def test_what_is_valid_until_a_day_is_valid_on_it(tmp_path: Path) -> None:
    async def run(park: Park) -> None:
        await enter_all(park)
        held = (await park.claims("Qualification"))["qualification:G-07/first_aid"].values
        assert datetime.fromisoformat(str(held["expires_at"])) == datetime.fromisoformat("2028-03-01T00:00+08:00")

    in_park(tmp_path, run)


def test_what_is_personal_is_neither_shown_nor_logged_in_clear(tmp_path: Path) -> None:
    file = "code,name,phone\nG-07,李秘密,13912345678\nG-08,王秘密,not a phone 13912345679\n"

    async def run(park: Park) -> str:
        shown = await park.look("people", file)
        await park.store(shown)
        assert (await park.claims("Person"))["person:G-07"].values["name"] == "李秘密"
        again = await park.look("people", file.replace("13912345678", "13912345670"))
        assert again.changed[0].differing == ("phone",)
        return f"{[r.reason for r in shown.rejected]}{await park.journal.read(0)}"

    told = in_park(tmp_path, run)
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("journal.db*"))
    for secret in ("秘密", "139123456"):
        assert secret not in told
        assert secret.encode() not in stored


def test_the_event_says_how_many_rows_came_to_what(tmp_path: Path) -> None:
    async def run(park: Park) -> list[EventEntry]:
        await park.store(await park.look("places", "code,kind\nA,ZONE\nB,HANGAR\n"))
        return list(await park.journal.stream("import:places"))

    (event,) = in_park(tmp_path, run)
    assert (event.type, event.actor) == ("table.imported", "tester")
    assert (event.data["kind"], event.data["new"], event.data["rejected"]) == ("places", 1, 1)


def test_a_row_may_name_what_another_source_told_of(tmp_path: Path) -> None:
    from adapters.contract import Claim
    from hub.journal.records import Draft
    from tests.imports.entering import NOW

    async def run(park: Park) -> None:
        plan = Claim(kind="Place", external_id="plan-7", values={"kind": "BUILDING", "code": "B7", "occupancy": 3})
        await park.journal.append(Draft(source="plan", received_at=NOW, claims=[plan]))
        await park.enter("hazards", "code,name,likelihood,consequence,place\nH1,Gas,2,5,B7\n")
        (link,) = (await park.claims("Hazard"))["hazard:H1"].links
        assert (link.source, link.target) == ("plan", "plan-7")
        await park.enter("occupancy", "place,count\nB7,9\n")
        held = await park.journal.live_of(["Place"])
        assert {(each.source, each.claim.values["occupancy"]) for each in held} == {("plan", 3), ("hub", 9)}
        assert len({each.entity for each in held}) == 1

    in_park(tmp_path, run)


def test_rows_are_named_as_people_know_them(tmp_path: Path) -> None:
    async def run(park: Park) -> None:
        await park.enter("places", "code,kind\nA,ZONE\n")
        assert names(await park.look("occupancy", "place,count\nA,3\n"))[0] == ["A"]

    in_park(tmp_path, run)
