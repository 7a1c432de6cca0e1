"""What the benches share: a source as the hub runs it, down to the commit, and how a figure is told."""

import asyncio
import contextlib
import gc
import statistics
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import orjson

from adapters.contract import AdapterConfig, AnyDefinition
from hub.clock import now
from hub.ingest.collector import spare_collector
from hub.ingest.intake import Intake
from hub.ingest.source import SourceSpec
from hub.ingest.supervisor import Supervisor
from hub.journal.log import Journal, JournalConfig
from hub.journal.sealing import Keyring, KeyringConfig
from hub.units import Quantity

SOURCE = "bench"


def told(bench: str, against: str, ours: Sequence[float], theirs: Sequence[float], unit: str) -> None:
    """One JSON line of the medians; a higher ratio is better for us."""
    one, other = statistics.median(ours), statistics.median(theirs)
    line = {
        "bench": bench,
        "ours": round(one, 1),
        "against": against,
        "theirs": round(other, 1),
        "unit": unit,
        "ratio": round(one / other, 3),
    }
    print(orjson.dumps(line).decode(), flush=True)


def told_of_limit(bench: str, ours: float, limit: float, unit: str) -> None:
    """The same of a figure that is to stay below a limit."""
    line = {
        "bench": bench,
        "ours": round(ours, 2),
        "against": "limit",
        "theirs": limit,
        "unit": f"{unit}, lower is better",
        "ratio": round(limit / ours, 2),
    }
    print(orjson.dumps(line).decode(), flush=True)


@contextlib.asynccontextmanager
async def journal(folder: Path) -> AsyncIterator[Journal]:
    """SQLite, synchronous FULL, a new one."""
    await asyncio.to_thread(folder.mkdir, parents=True)
    keyring = Keyring.open(KeyringConfig(store=folder / "keys.db", park_key=folder / "park.key"))
    opened = await Journal.open(JournalConfig(url="sqlite", folder=folder / "state", keyring=keyring))
    try:
        yield opened
    finally:
        await opened.close()


class Ingest:
    """One source under the hub's own supervisor, intake and journal; `run` it."""

    def __init__(
        self, log: Journal, definition: AnyDefinition, config: AdapterConfig, quantities: Mapping[str, Quantity]
    ) -> None:
        spec = SourceSpec(
            id=SOURCE,
            definition=definition,
            config=config,
            every=timedelta(milliseconds=50),
            max_skew=timedelta(hours=1),
        )
        self._supervisor = Supervisor([spec], Intake(log, quantities), log, now)

    @property
    def acknowledged(self) -> int:
        """Readings of batches that were acknowledged after their commit. Raises what went wrong with the source."""
        status = self._supervisor.statuses()[0]
        if status.counts.failures or status.counts.dead_letters or status.counts.unchanged:
            raise SystemExit(f"the source did not do as it should: {status}")
        return status.counts.readings

    async def until(self, readings: int) -> None:
        while self.acknowledged < readings:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.002)

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self._supervisor.run())
        try:
            yield
        finally:
            await self._supervisor.stop()
            await running


_PLAIN = gc.get_threshold()


def settle(*, spared: bool) -> None:
    """Neither side pays for the other's garbage. Both sides collect as the hub does, so that the figure is not the
    collector's; `spared` False: as Python does by itself."""
    gc.unfreeze()
    if spared:
        spare_collector()
    else:
        gc.collect()
        gc.set_threshold(*_PLAIN)
