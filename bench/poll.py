"""CPU seconds of one poll of a tenant's 20,000 unchanged lots, from the SQL statement through intake into the journal.

The tenant's table has no time of change, so each poll reads all of it: the dearest case. Database and journal are
SQLite files (synchronous FULL); the CPU time is this process's, all threads. Nothing may be appended, and each lot's
last-seen time must have moved.
"""

import asyncio
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from adapters.contract import Batch
from adapters.inventory.sql import ADAPTER
from adapters.inventory.sql_config import SqlConfig
from bench._sides import SOURCE, journal, settle
from hub.ingest.intake import Intake
from hub.ingest.source import SourceSpec
from hub.journal.log import Journal
from hub.reserve.items import Catalogue

LOTS, ROUNDS, LIMIT = 20_000, 5, 2.0


def fill(file: Path) -> None:
    with sqlite3.connect(file) as made:
        made.execute("CREATE TABLE stock (id INTEGER PRIMARY KEY, name, qty, unit, batch, expires, place)")
        made.executemany(
            "INSERT INTO stock VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (i, f"灭火器 {i % 900} 号", f"{i % 70},{i % 900:03}", "具", f"L{i}", "2027-05-01", f"B{i % 60}-1F")
                for i in range(LOTS)
            ),
        )


def specification(file: Path) -> SourceSpec:
    config = SqlConfig.model_validate(
        {
            "url": f"sqlite:///{file}",
            "query": "SELECT * FROM stock",
            "id": "id",
            "columns": {
                **{"name": "name", "quantity": "qty", "unit": "unit", "lot_number": "batch"},
                **{"expires_at": "expires", "place": "place"},
            },
        }
    )
    return SourceSpec(id=SOURCE, definition=ADAPTER, config=config, organization="acme", max_skew=timedelta(hours=1))


async def poll(log: Journal, intake: Intake, spec: SourceSpec) -> tuple[float, int]:
    """CPU seconds, and how many lots were seen."""
    began, seen = time.process_time(), 0
    async with spec.definition.factory(spec.source, spec.config) as adapter:
        async for batch in adapter.read(None):
            assert isinstance(batch, Batch)
            accepted = await intake.accept(spec, batch)
            assert not accepted.draft.dead_letters, accepted.draft.dead_letters[0]
            await log.append(replace(accepted.draft, cursor=None))
            seen += len(accepted.draft.claims)
    return time.process_time() - began, seen


async def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "stock.db")
        spec = specification(folder / "stock.db")
        async with journal(folder / "hub") as log:
            intake = Intake(log, {}, Catalogue(log))
            first, seen = await poll(log, intake, spec)
            head, took = log.head, []
            assert seen == LOTS and head >= LOTS
            settle(spared=True)
            for _ in range(ROUNDS):
                cpu, seen = await poll(log, intake, spec)
                took.append(cpu)
                assert seen == LOTS and log.head == head, "an unchanged lot was appended"
    print(f"the first poll, which stored {LOTS} lots, took {first:.2f} s of CPU; polls {took}", file=sys.stderr)
    ours = statistics.median(took)
    line = {
        "bench": "poll",
        "ours": round(ours, 3),
        "against": f"limit {LIMIT:g} s of CPU",
        "theirs": LIMIT,
        "unit": "s",
    }
    print(json.dumps({**line, "ratio": round(LIMIT / ours, 3)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
