"""Places by CSV, as a person who enters a park meets it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.errors import BadRequest
from hub.ingest.places import Preview, parse, preview, store
from hub.journal.log import Journal, JournalConfig

NOW = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
GOOD = """code,kind,name,part_of,adjacent_to,level,area,latitude,longitude
P,PARK,示范园区,,,,,29.5,106.5
B1,building,Hall,P,B2,,1200,,
B2,BUILDING,Store,P,,,,,
B1-1F,STOREY,,B1,,1,,,
"""


def of(text: str, encoding: str = "utf-8") -> bytes:
    return text.encode(encoding)


def summary(shown: Preview) -> tuple[list[str], list[str], list[str], list[int]]:
    names = [[row.claim.external_id for row in rows] for rows in (shown.new, shown.changed, shown.unchanged)]
    return names[0], names[1], names[2], [r.number for r in shown.rejected]


def test_what_is_new_changed_unchanged_and_rejected_is_told_apart(tmp_path: Path) -> None:
    async def run() -> None:
        journal = await Journal.open(JournalConfig(url="sqlite", folder=tmp_path))
        try:
            shown = await preview(journal, of(GOOD))
            assert summary(shown) == (["P", "B1", "B2", "B1-1F"], [], [], [])
            stored = await store(journal, shown, file="places.csv", actor="tester", now=NOW)
            assert stored is not None
            again = await preview(journal, of(GOOD))
            assert summary(again) == ([], [], ["P", "B1", "B2", "B1-1F"], [])
            assert await store(journal, again, file="places.csv", actor="tester", now=NOW) is None
            moved = await preview(journal, of(GOOD.replace("Store,P", "Shed,P") + "B3,BUILDING,New,P9,,,,,\n"))
            assert summary(moved) == ([], ["B2"], ["P", "B1", "B1-1F"], [6])
            assert moved.changed[0].differing == ("name",)
            assert "P9" in moved.rejected[0].reason
        finally:
            await journal.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("B9,HANGAR,,,,,,,", "HANGAR"),
        (",ZONE,,,,,,,", "code is empty"),
        ("B1,ZONE,,,,,,,", "row 3"),
        ("B9,ZONE,,,,first,,,", "first"),
        ("B9,ZONE,,,,,nan,,", "area 'nan' cannot be"),
        ("B9,ZONE,,,,,1e999,,", "cannot be"),
        ("B9,ZONE,,,,99999999999999999999,,,", "level"),
        ("B9,ZONE,,,,,,106.5,29.5", "latitude comes first"),
        ("B9,ZONE,,,,,,29.5,", "longitude"),
        ("B9,ZONE,,,,,,,,surplus", "more cells"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why_and_the_others_are(row: str, said: str) -> None:
    rows, rejected = parse(of(GOOD + row + "\n"))
    assert len(rows) == 4
    assert [r.number for r in rejected] == [6]
    assert said in rejected[0].reason


def test_places_that_lie_within_themselves_are_rejected(tmp_path: Path) -> None:
    async def run() -> Preview:
        journal = await Journal.open(JournalConfig(url="sqlite", folder=tmp_path))
        try:
            return await preview(journal, of("code,kind,part_of\nA,ZONE,B\nB,ZONE,A\nC,ZONE,\n"))
        finally:
            await journal.close()

    shown = asyncio.run(run())
    assert [r.number for r in shown.rejected] == [2, 3]
    assert [row.claim.external_id for row in shown.new] == ["C"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_files_as_chinese_spreadsheets_save_them_are_read(encoding: str) -> None:
    rows, rejected = parse(of(GOOD, encoding))
    assert rows[0].claim.values["name"] == "示范园区"
    assert rejected == []


def test_a_wrong_header_names_the_nearest_column() -> None:
    with pytest.raises(BadRequest, match="part_of"):
        parse(of("code,kind,partof\nA,ZONE,\n"))
    with pytest.raises(BadRequest, match="kind"):
        parse(of("code,name\nA,x\n"))
