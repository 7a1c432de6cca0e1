"""The event loop goes on while the largest of what sources give is taken in, down to the journal."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from adapters import registry
from hub.clock import now
from hub.ingest.intake import Intake
from hub.ingest.source import SourceSpec, SourceStatus
from hub.ingest.supervisor import Supervisor
from hub.journal.log import Journal, JournalConfig
from hub.reserve.items import Catalogue
from tests.adapters.isapi_peer import Recorder, event
from tests.adapters.test_cap_messages import big
from tests.loop import collecting_as_the_hub_does, probed
from tests.servers.isapi import part
from tests.servers.pages import Pages

LOTS = 20_000
COLUMNS = {
    **{"name": "name", "quantity": "qty", "unit": "unit", "lot_number": "batch"},
    **{"expires_at": "expires", "place": "place"},
}
PATIENCE = 120.0  # seconds; others use the machine too


def lots() -> list[tuple[str, ...]]:
    return [
        (f"灭火器 {i % 900} 号", f"{i % 70},{i % 900:03}", "具", f"L{i}", "2027-05-01", f"B{i % 60}-1F")
        for i in range(LOTS)
    ]


def table(folder: Path) -> Mapping[str, object]:
    with sqlite3.connect(folder / "stock.db") as made:
        made.execute("CREATE TABLE stock (id INTEGER PRIMARY KEY, name, qty, unit, batch, expires, place)")
        made.executemany("INSERT INTO stock (name, qty, unit, batch, expires, place) VALUES (?, ?, ?, ?, ?, ?)", lots())
    url = f"sqlite:///{folder / 'stock.db'}"
    return {"url": url, "query": "SELECT * FROM stock", "id": "id", "columns": COLUMNS}


def csv_list(folder: Path) -> Mapping[str, object]:
    lines = [",".join(COLUMNS.values()), *(",".join((row[0], f'"{row[1]}"', *row[2:])) for row in lots())]
    (folder / "stock.csv").write_text("\n".join(lines), encoding="gbk")
    os.utime(folder / "stock.csv", (0, time.time() - 60))
    return {"folder": str(folder), "pattern": "*.csv", "mapping": {"columns": COLUMNS}}


async def taken(
    folder: Path, adapter: str, config: Mapping[str, object], until: Callable[[SourceStatus], bool]
) -> None:
    """A source under the hub's own supervisor, intake and journal."""
    definition = registry.find(adapter)
    spec = SourceSpec(
        id="big",
        definition=definition,
        config=definition.config.model_validate(config),
        organization="acme",
        every=timedelta(seconds=1),
        expect_within=timedelta(hours=1),
    )
    journal = await Journal.open(JournalConfig(url="sqlite", folder=folder / "state"))
    try:
        supervisor = Supervisor([spec], Intake(journal, {}, Catalogue(journal)), journal, now)
        async with asyncio.timeout(PATIENCE), probed():
            running = asyncio.create_task(supervisor.run())
            while not until(supervisor.statuses()[0]):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.02)
            await supervisor.stop()
            await running
    finally:
        await journal.close()


@pytest.mark.parametrize(("adapter", "made"), [("sql", table), ("stock_files", csv_list)])
def test_a_stock_of_twenty_thousand_lots(
    tmp_path: Path, adapter: str, made: Callable[[Path], Mapping[str, object]]
) -> None:
    """The snapshot that finds what is gone, the first reading, and (a table) a poll in which nothing changed."""
    claims = {"sql": 3 * LOTS, "stock_files": 2 * LOTS}[adapter]
    with collecting_as_the_hub_does():
        asyncio.run(taken(tmp_path, adapter, made(tmp_path), lambda status: status.counts.claims >= claims))


@pytest.mark.parametrize("kind", ["points", "areas", "parameters"])
def test_a_warning_of_ten_megabytes(tmp_path: Path, kind: str) -> None:
    pages = Pages()
    pages.start()
    try:
        pages.put("/big.cap", big(kind))
        config = {"url": f"{pages.url}/big.cap", "max_bytes": 20_000_000}
        with collecting_as_the_hub_does():
            asyncio.run(taken(tmp_path, "cap", config, lambda status: status.counts.claims >= 1))
    finally:
        pages.stop()


def test_a_device_that_sends_ten_megabytes_as_one_event(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.start()
    entry = {"regionID": "1", "detectionTarget": "human", "note": "x" * 200}
    large = event(DetectionRegionList={"DetectionRegionEntry": [entry] * 34_000})
    assert len(large) > 9_000_000

    def until(status: SourceStatus) -> bool:
        if status.last_batch_at is not None and not said:
            said.append(recorder.device.say(part(large)))
        return bool(status.counts.signals or status.counts.dead_letters)

    said: list[object] = []
    try:
        config = {**recorder.config(), "max_part": 20_000_000, "status_seconds": 1}
        with collecting_as_the_hub_does():
            asyncio.run(taken(tmp_path, "isapi", config, until))
    finally:
        recorder.stop()
