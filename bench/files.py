"""`files`: rows a second of a tenant's list and of a park's table, CSV and Excel, over 20,000.

Each is read in its child process and becomes lots, or a table's rows, in ours: the two work side by side, so the rate
is by the greater of their CPU times.
"""

import asyncio
import csv
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import openpyxl

from adapters.contract import Source
from adapters.inventory.files import ADAPTER
from adapters.inventory.files_config import FilesConfig
from bench._sides import settle
from hub.ingest.imports.limits import Limits
from hub.ingest.imports.tables import read_table

ROWS, ROUNDS, LIMIT = 60_000, 3, 20_000
HEADER = ("name", "qty", "unit", "batch", "expires", "place")


def row(i: int) -> tuple[str, ...]:
    return (f"灭火器 {i % 900} 号", f"{i % 70}", "具", f"L{i}", "2027-05-01", f"B{i % 60}-1F")


def write_csv(file: Path) -> None:
    with file.open("w", encoding="gbk", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *map(row, range(ROWS))])


def write_workbook(file: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for each in (HEADER, *map(row, range(ROWS))):
        sheet.append(each)
    book.save(file)


async def as_lots(file: Path) -> int:
    columns = {"name": "name", "quantity": "qty", "unit": "unit", "lot_number": "batch"}
    columns |= {"expires_at": "expires", "place": "place"}
    config = FilesConfig.model_validate(
        {"folder": file.parent, "pattern": file.name, "settle_seconds": 0, "mapping": {"columns": columns}}
    )
    async with ADAPTER.factory(Source(id="bench"), config) as adapter:
        return sum([len(batch.records) async for batch in adapter.read(None)])


async def as_table(file: Path) -> int:
    return len((await read_table(file, Limits())).rows)


def rate(read: Callable[[Path], Awaitable[int]], file: Path) -> float:
    settle(spared=True)
    here, there = time.process_time(), _children()
    assert asyncio.run(read(file)) == ROWS  # type: ignore[arg-type]
    return ROWS / max(time.process_time() - here, _children() - there)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        for file, write in ((Path(name) / "a.csv", write_csv), (Path(name) / "a.xlsx", write_workbook)):
            write(file)
            os.utime(file, (0, time.time() - 60))
            for what, read in (("stock_files", as_lots), ("import", as_table)):
                rates = [rate(read, file) for _ in range(ROUNDS)]
                ours = statistics.median(rates)
                bench = f"files {what} {file.suffix[1:]}"
                line = {"bench": bench, "ours": round(ours), "against": f"limit {LIMIT} rows/s", "theirs": LIMIT}
                print(json.dumps({**line, "unit": "rows/s", "ratio": round(ours / LIMIT, 3)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
