"""`size-*`: what a reading and a look at the latest values cost in a park of 9,000 series, against one of 300.

`size-intake`: through intake to the commit, 500 readings a batch, each stored; `size-latest`: the newest readings of
25 sensors, a page of a list, where each series holds the same number of readings in both parks. The time is the
process' own, so that a busy machine does not decide.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from adapters.contract import AdapterConfig, Batch, Claim, Definition, Reading
from bench._sides import journal, settle, told
from hub.clock import now
from hub.ingest.intake import Intake
from hub.ingest.source import SourceSpec
from hub.journal.log import Journal
from hub.units import Quantity

SMALL, LARGE, SWEEPS, BATCH, PAGE, ROUNDS = 300, 9_000, 12, 500, 25, 3
QUANTITIES = {"temperature": Quantity(name="temperature", unit="Cel", deadband=0.2)}


async def fill(log: Journal, series: int) -> float:
    """Readings a second of this process' own time."""
    definition = Definition(
        name="size", version="1", summary="", config=AdapterConfig, factory=lambda _s, _c: None, polls=True
    )  # type: ignore[arg-type, return-value, unused-ignore]
    spec = SourceSpec(id="bench", definition=definition, config=AdapterConfig())
    intake = Intake(log, QUANTITIES)
    claims = [Claim(kind="Asset", external_id=f"s{n}", values={"kind": "SENSOR"}) for n in range(series)]
    async for accepted in intake.named(spec, claims, now()):
        await log.append(accepted.draft)
    began_at = now() - timedelta(minutes=1)
    took = 0.0
    for sweep in range(SWEEPS + 1):
        at = began_at + timedelta(seconds=sweep)
        records = [Reading(f"s{n}", "temperature", 20.0 + sweep % 2 + n % 7, "Cel", at) for n in range(series)]
        began = time.process_time()
        for start in range(0, series, BATCH):
            accepted = await intake.accept(spec, Batch(records=records[start : start + BATCH], received_at=now()))
            await log.append(accepted.draft)
        if sweep:  # the first makes the series known
            took += time.process_time() - began
    return SWEEPS * series / took


async def looks(log: Journal) -> float:
    """Looks a second of the same."""
    sensors = sorted({series.sensor for series in await log.all_series()})
    times = []
    for start in range(100):
        page = [sensors[(start * 83 + 11 * n) % len(sensors)] for n in range(PAGE)]
        began = time.process_time()
        found = await log.latest(page)
        times.append(time.process_time() - began)
        assert all(len(found[sensor]) == 1 for sensor in page)
    return 1 / statistics.median(times)


async def one(folder: Path, series: int) -> tuple[float, float]:
    async with journal(folder) as log:
        return await fill(log, series), await looks(log)


def main() -> int:
    rates: dict[int, list[tuple[float, float]]] = {SMALL: [], LARGE: []}
    with tempfile.TemporaryDirectory() as name:
        for number in range(ROUNDS):
            for series, found in rates.items():
                settle(spared=True)
                found.append(asyncio.run(one(Path(name) / f"{series}-{number}", series)))
                print(f"round {number}, {series} series: {found[-1]}", file=sys.stderr)
    for place, (bench, unit) in enumerate(
        (("size-intake", "readings/CPU second"), ("size-latest", "looks/CPU second"))
    ):
        large, small = ([both[place] for both in rates[size]] for size in (LARGE, SMALL))
        told(bench, f"a park of {SMALL} series; ours has {LARGE}", large, small, unit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
