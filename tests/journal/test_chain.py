"""The digest chain: whatever is changed behind the journal's back is found, and expiry is not taken for it."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hub.clock import to_micros
from hub.errors import JournalCorrupt
from hub.journal.engine import open_engines
from hub.journal.log import Journal
from hub.journal.records import EventEntry, ReadingRow, ReadingsEntry
from tests.journal.conftest import START, Journals
from tests.journal.test_appending import draft, sensor, timer


async def _fill(journal: Journal) -> int:
    """Four batches of a reading, an event and its claim; the series' id."""
    (series,) = await journal.series("cabinets", [("s1", "temperature", "Cel")])
    for n in range(4):
        at = to_micros(START + timedelta(days=n))
        row = ReadingRow(series.id, at, float(n), 0, None)
        await journal.append(draft(readings=[row], events=[timer(n, claims=[sensor(f"a{n}")])]))
    return series.id


def _tamper(journals: Journals, statement: str, first: int = 0) -> int:
    engines = open_engines(journals.config.url, journals.config.folder, readers=1)
    try:
        with engines.write.begin() as connection:
            return connection.execute(sa.text(statement), {"first": first} if ":first" in statement else {}).rowcount
    finally:
        engines.dispose()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE record SET actor = 'another' WHERE seq = 5", "batch 4"),
        ("UPDATE record SET payload = replace(CAST(payload AS text), 'a1', 'a9') WHERE seq = 6", "batch 4"),
        (
            "UPDATE record SET payload = CAST(replace(CAST(payload AS text), 'a1', 'a9') AS blob) WHERE seq = 6",
            "batch 4",
        ),
        ("UPDATE batch SET recorded_at = recorded_at + 1 WHERE seq = 4", "batch 4"),
        ("UPDATE reading SET value = 99 WHERE batch = 4", "batch 4"),
        ("DELETE FROM reading WHERE batch = 4", "batch 4"),
        ("DELETE FROM record WHERE seq = 5", "batch 4"),
        ("UPDATE record SET seq = 100 WHERE seq = 6", "batch 4"),
        ("UPDATE reading SET batch = 99 WHERE batch = 4", "batch 4|batch 99"),
        ("DELETE FROM reading WHERE batch >= 10", "batch 10"),
    ],
)
def test_what_was_changed_is_named(journals: Journals, statement: str, says: str) -> None:
    async def fill() -> None:
        async with journals.open() as journal:
            await _fill(journal)
            assert await journal.verify_chain() == 4

    async def verify() -> None:
        async with journals.open() as journal:
            with pytest.raises(JournalCorrupt, match=says):
                await journal.verify_chain()

    if "CAST" in statement and journals.engine == "postgresql":
        statement = "UPDATE record SET payload = payload || ' '::bytea WHERE seq = 6"
    asyncio.run(fill())
    assert _tamper(journals, statement) == 1
    asyncio.run(verify())


@pytest.mark.parametrize(("first", "says"), [(4, "batch 4 was removed"), (10, "cut off")])
def test_a_batch_that_was_removed_is_named(journals: Journals, first: int, says: str) -> None:
    async def fill() -> None:
        async with journals.open() as journal:
            await _fill(journal)

    async def verify() -> None:
        async with journals.open() as journal:
            with pytest.raises(JournalCorrupt, match=says):
                await journal.verify_chain()

    asyncio.run(fill())
    _tamper(journals, "DELETE FROM reading WHERE batch = :first", first)
    _tamper(journals, "DELETE FROM record WHERE batch = :first", first)
    assert _tamper(journals, "DELETE FROM batch WHERE seq = :first", first) == 1
    asyncio.run(verify())


def test_expired_readings_go_the_latest_stays_and_the_chain_holds(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            id_ = await _fill(journal)
            until = START + timedelta(days=3, hours=1)
            assert await journal.expire(until, {"humidity": timedelta(0), "temperature": timedelta(days=2)}) == 2
            found = await journal.readings([id_], START, START + timedelta(days=9), 10)
            assert [row.value for row in found[id_]] == [3.0, 2.0]
            assert await journal.verify_chain() == 5
            told = (await journal.stream("readings"))[0]
            assert isinstance(told, EventEntry) and (told.type, told.data["count"]) == ("readings.expired", 2)
            assert await journal.expire(until, {"temperature": timedelta(0)}) == 1
            assert await journal.expire(until, {"temperature": timedelta(0)}) == 0
            (series,) = await journal.all_series()
            (latest,) = (await journal.latest([series.sensor]))[series.sensor]
            assert latest.row.value == 3.0
            assert await journal.verify_chain() == 6
        async with journals.open() as journal:
            kept = [e.rows for e in await journal.read(0) if isinstance(e, ReadingsEntry)]
            assert [len(rows) for rows in kept] == [0, 0, 0, 1]

    asyncio.run(main())


def test_what_was_deleted_beside_an_expiry_is_still_found(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            await _fill(journal)
            await journal.expire(START + timedelta(days=3), {"temperature": timedelta(days=2, hours=1)})
            assert await journal.verify_chain() == 5

    async def verify() -> None:
        async with journals.open() as journal:
            with pytest.raises(JournalCorrupt, match="batch 7"):
                await journal.verify_chain()

    asyncio.run(main())
    assert _tamper(journals, "DELETE FROM reading WHERE batch = 7") == 1
    asyncio.run(verify())
