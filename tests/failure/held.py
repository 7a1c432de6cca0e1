"""What the journal holds, read beside the hub by the journal's own code, and what must be true of it."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.journal.cursors import FeedCursor
from hub.journal.log import Journal, JournalConfig
from hub.journal.readings import Flag
from hub.journal.records import EventEntry, ReadingRow, ReadingsEntry
from tests.failure.load import temperature
from tests.failure.park import Park


@dataclass(frozen=True, kw_only=True)
class Held:
    """`readings` by (sensor, quantity) in the log's order; `events` in the log's order."""

    readings: Mapping[tuple[str, str], Sequence[ReadingRow]]
    events: Sequence[EventEntry]
    batches: int
    head: int

    @classmethod
    def by(cls, park: Park) -> "Held":
        """Verifies the digest chain too: raises JournalCorrupt."""
        return asyncio.run(_read(park))

    def numbers(self, sensor: str) -> list[int]:
        return [int(row.value) for row in self.readings.get((sensor, "number"), ())]

    def alert_events(self, after: str | None = None) -> list[tuple[str, str]]:
        """(type, id) as a subscriber sees them who began after the cursor."""
        seq = FeedCursor.decode(after).seq if after is not None else 0
        found = [e for e in self.events if e.type.startswith("alert.") and e.seq > seq]
        return [(e.type.removeprefix("alert.").upper(), e.stream.removeprefix("alert:")) for e in found]

    def of_source(self, source: str) -> list[str]:
        return [e.type for e in self.events if e.stream == f"source:{source}"]


async def _read(park: Park) -> Held:
    journal = await Journal.open(JournalConfig(url=park.journal, folder=park.state, read_only=True))
    try:
        batches = await journal.verify_chain()
        names = {s.id: (s.external_id, s.quantity) for s in await journal.all_series()}
        readings: dict[tuple[str, str], list[ReadingRow]] = {}
        events: list[EventEntry] = []
        after = 0
        while page := await journal.read(after):
            for entry in page:
                if isinstance(entry, ReadingsEntry):
                    for row in entry.rows:
                        readings.setdefault(names[row.series], []).append(row)
                elif isinstance(entry, EventEntry):
                    events.append(entry)
            after = page[-1].seq
        return Held(readings=readings, events=events, batches=batches, head=after)
    finally:
        await journal.close()


def nothing_lost_nothing_double(held: Held, sent: Mapping[str, int], *, crashes: int) -> int:
    """Holds what the journal has against what was sent; how many readings came twice, each flagged as such."""
    repeated = 0
    for sensor, last in sent.items():
        numbers = held.numbers(sensor)
        missing = set(range(1, last + 1)) - set(numbers)
        assert not missing, f"{sensor}: {len(missing)} of {last} messages were lost, the first {min(missing)}"
        counts = Counter(numbers)
        assert max(counts) == last, f"{sensor} has numbers that were never sent"
        double = {number: times for number, times in counts.items() if times > 1}
        if not sensor.startswith("bare"):
            assert not double, f"{sensor}: stored more than once: {double}"
            continue
        for number, times in double.items():
            rows = [row for row in held.readings[sensor, "number"] if row.value == number]
            unflagged = [row for row in rows if not row.flags & Flag.REDELIVERED]
            assert len(unflagged) <= 1, f"{sensor}: {number} came {times} times, and {len(unflagged)} are not flagged"
            assert times <= 1 + crashes, f"{sensor}: {number} came {times} times in {crashes} crashes"
            repeated += times - 1
    for sensor, last in sent.items():
        if sensor.startswith("timed"):
            given = [row.value for row in held.readings[sensor, "temperature"]]
            assert sorted(given) == sorted(temperature(n) for n in range(1, last + 1)), sensor
    return repeated
