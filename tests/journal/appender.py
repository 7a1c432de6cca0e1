"""A child process that appends for ever, and says on standard output what was acknowledged to it: `ack SERIES AT`."""

import asyncio
import os
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from hub.journal.log import Journal, JournalConfig
from hub.journal.records import HUB, Draft, NewEvent, ReadingRow


async def main(url: str, folder: Path, sources: int) -> None:
    journal = await Journal.open(JournalConfig(url=url, folder=folder))

    async def source(name: str) -> None:
        (series,) = await journal.series(name, [("s", "temperature", "Cel")])
        run = len(await journal.stream(f"timer:{name}"))
        for n in count(run):
            at = 1_700_000_000_000_000 + n
            data = {"deadline": "2026-03-01T08:00:00+00:00", "subject": "x", "rule": "r"}
            event = NewEvent(
                type="timer.fired", version=1, stream=f"timer:{name}", expected=n, data=data, actor=HUB, claims=()
            )
            row = ReadingRow(series.id, at, float(n), 0, None)
            now = datetime.now(UTC)
            await journal.append(Draft(source=name, received_at=now, readings=[row], events=[event], cursor=str(n)))
            os.write(1, f"ack {name} {n}\n".encode())

    async with asyncio.TaskGroup() as group:
        for number in range(sources):
            group.create_task(source(f"source{number}"))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
