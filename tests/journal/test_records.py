"""What a reader meets who wants no readings: the same records, from memory and from the database, none left out."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from adapters.contract import Claim
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import Draft, Entry, ReadingRow, ReadingsEntry

NOW = datetime(2026, 5, 1, tzinfo=UTC)


async def _fill(journal: Journal) -> None:
    series = (await journal.series("s", [("one", "temperature", "Cel")]))[0].id
    for number in range(30):
        claims = [Claim(kind="Asset", external_id=f"a{number}", values={"kind": "SENSOR"})] if number % 3 == 0 else []
        rows = [ReadingRow(series, number * 10 + n, float(number), 0, None) for n in range(5)]
        await journal.append(Draft(source="s", received_at=NOW, claims=claims, readings=rows))


async def _walk(journal: Journal, limit: int) -> list[int]:
    found: list[Entry] = []
    after = 0
    while True:
        reached, entries = await journal.records(after, limit)
        assert all(after < entry.seq <= reached for entry in entries)
        found += entries
        if reached == after:
            assert reached == journal.head
            return [entry.seq for entry in found]
        after = reached


def test_records_are_the_log_without_its_readings(tmp_path: Path) -> None:
    async def run() -> None:
        for ring in (16 << 20, 0):
            folder = tmp_path / str(ring)
            journal = await Journal.open(JournalConfig(url="sqlite", folder=folder, ring_bytes=ring))
            try:
                await _fill(journal)
                whole = [e.seq for e in await journal.read(0, 1000) if not isinstance(e, ReadingsEntry)]
                assert len(whole) == 10
                for limit in (1, 3, 7, 1000):
                    assert await _walk(journal, limit) == whole
            finally:
                await journal.close()

    asyncio.run(run())
