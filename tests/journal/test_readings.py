"""Readings: redelivered, latest, in a range."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adapters.contract import Quality
from hub.clock import from_micros, to_micros
from hub.journal.log import Journal, JournalConfig
from hub.journal.readings import flags_of, quality_of
from hub.journal.records import ReadingRow, ReadingsEntry
from tests.journal.conftest import START, Journals
from tests.journal.test_appending import draft

AT = to_micros(START)


def test_a_redelivered_reading_is_stored_once(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            (series,) = await journal.series("cabinets", [("s1", "temperature", "Cel")])
            first, second = (ReadingRow(series.id, AT + n, float(n), 0, None) for n in range(2))
            await journal.append(draft(readings=[first], cursor="a"))
            head = journal.head
            again = await journal.append(draft(readings=[first], cursor="b"))
            assert again.seq == journal.head == head
            assert await journal.cursor("cabinets") == "b"
            await journal.append(draft(readings=[second, first, second]))
            stored = [e.rows for e in await journal.read(0) if isinstance(e, ReadingsEntry)]
            assert [list(rows) for rows in stored] == [[first], [second]]
            assert await journal.verify_chain() == 2

    asyncio.run(main())


def test_series_keep_their_number_and_know_their_sensor(journals: Journals) -> None:
    keys = [("s2", "humidity", "%"), ("s1", "temperature", "Cel"), ("s2", "temperature", "Cel")]

    async def main() -> None:
        async with journals.open() as journal:
            made = await journal.series("cabinets", keys)
            assert [(s.external_id, s.quantity, s.unit) for s in made] == keys
            assert made[0].sensor == made[2].sensor != made[1].sensor
            assert await journal.series("cabinets", [keys[2], keys[0], keys[2]]) == [made[2], made[0], made[2]]
            other = await journal.series("other", keys[:1])
            assert other[0].sensor != made[0].sensor
        async with journals.open() as journal:
            assert await journal.series("cabinets", keys) == made
            assert sorted(await journal.all_series(), key=lambda s: s.id) == sorted([*made, *other], key=lambda s: s.id)

    asyncio.run(main())


def test_the_latest_of_each_quantity_and_a_range_newest_first(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            keys = [("s1", "temperature", "Cel"), ("s1", "humidity", "%"), ("s2", "temperature", "Cel")]
            warm, damp, other = await journal.series("cabinets", keys)
            rows = [ReadingRow(s.id, AT + n, float(n), 0, None) for s in (warm, other) for n in (3, 1, 2)]
            await journal.append(draft(readings=rows))
            await journal.append(draft(readings=[ReadingRow(warm.id, AT, 0.0, 2, AT - 5)]))  # late: an older one
            found = await journal.latest([warm.sensor, other.sensor, "nobody"])
            assert {id_: [(x.series.quantity, x.row.value) for x in of] for id_, of in found.items()} == {
                warm.sensor: [("temperature", 3.0)],
                other.sensor: [("temperature", 3.0)],
                "nobody": [],
            }
            window = await journal.readings([warm.id, damp.id], START, from_micros(AT + 3), 2)
            assert {id_: [row.value for row in of] for id_, of in window.items()} == {warm.id: [2.0, 1.0], damp.id: []}
            all_of_it = await journal.readings([warm.id], START, START + timedelta(days=1), 10)
            assert all_of_it[warm.id][-1] == ReadingRow(warm.id, AT, 0.0, 2, AT - 5)

    asyncio.run(main())


@pytest.mark.parametrize("quality", list(Quality))
@pytest.mark.parametrize("redelivered", [False, True])
def test_quality_survives_its_flags(quality: Quality, redelivered: bool) -> None:
    assert quality_of(flags_of(quality, redelivered=redelivered)) == quality


Told = st.lists(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6), st.floats(-1e300, 1e300)), max_size=6), max_size=6
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(told=[[(0, 0, -0.0)]])
@given(told=Told)
def test_any_deliveries_leave_each_reading_once_as_it_was_first_told(
    told: list[list[tuple[int, int, float]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    async def main(folder: Path) -> None:
        journal = await Journal.open(JournalConfig(url="sqlite", folder=folder))
        series = await journal.series("cabinets", [(f"s{n}", "temperature", "Cel") for n in range(3)])
        first: dict[tuple[int, int], float] = {}
        for batch in told:
            rows = [ReadingRow(series[which].id, AT + at, value, 0, None) for which, at, value in batch]
            for row in sorted(rows, key=lambda row: (row.series, row.at)):
                first.setdefault((row.series, row.at), row.value)
            await journal.append(draft(readings=rows))
        told_again = [row for e in await journal.read(0) if isinstance(e, ReadingsEntry) for row in e.rows]
        assert sorted(((r.series, r.at), r.value) for r in told_again) == sorted(first.items())
        latest = await journal.latest([s.sensor for s in series])
        for s in series:
            ats = [at for id_, at in first if id_ == s.id]
            assert [x.row.at for x in latest[s.sensor]] == ([max(ats)] if ats else [])
        await journal.verify_chain()
        await journal.close()

    asyncio.run(main(tmp_path_factory.mktemp("journal")))
