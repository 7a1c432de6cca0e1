"""What the benches share: our way from an adapter to the commit, and how a figure is told."""

import asyncio
import contextlib
import gc
import statistics
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from pathlib import Path

import orjson

from adapters.contract import AdapterConfig, AnyDefinition, Batch
from hub.ingest.collector import spare_collector
from hub.ingest.intake import Intake
from hub.ingest.source import SourceSpec
from hub.journal.log import Journal, JournalConfig
from hub.journal.sealing import Keyring, KeyringConfig

IN_FLIGHT = 16


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


def spec(definition: AnyDefinition, config: AdapterConfig, source: str) -> SourceSpec:
    return SourceSpec(id=source, definition=definition, config=config, max_skew=timedelta(hours=1))


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


async def store_until(
    journal: Journal, intake: Intake, spec: SourceSpec, batches: AsyncIterator[Batch], done: Callable[[int], bool]
) -> int:
    """Batches through intake into the journal, each acknowledged after its commit, in order; until `done` of the
    number of readings that were stored and acknowledged."""
    waiting: asyncio.Queue[tuple[asyncio.Future[object], Batch, int]] = asyncio.Queue(IN_FLIGHT)
    stored = 0

    async def acknowledge() -> None:
        nonlocal stored
        while not done(stored):
            appended, batch, count = await waiting.get()
            await appended
            await batch.ack()
            stored += count

    async with asyncio.TaskGroup() as tasks:
        ending = tasks.create_task(acknowledge())

        async def feed() -> None:
            async for batch in batches:
                accepted = await intake.accept(spec, batch)
                assert not accepted.faults, accepted.faults
                appended = tasks.create_task(journal.append(accepted.draft))
                await waiting.put((appended, batch, len(accepted.draft.readings)))

        feeding = tasks.create_task(feed())
        await ending
        feeding.cancel()
    return stored


_PLAIN = gc.get_threshold()


def settle(ours: bool) -> None:
    """Neither side pays for the other's garbage; ours collects as the hub does, theirs as Python does."""
    gc.unfreeze()
    gc.collect()
    if ours:
        spare_collector()
    else:
        gc.set_threshold(*_PLAIN)
