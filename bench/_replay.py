"""The hub of the bench `memory`: whole, over a park file's state, with one source that replays an hour of readings.

The hub's clock is the readings' own, a second of it a batch, so that heartbeats, delays and states come as in an hour
of real time. Prints one JSON object: MB that the process took at most, and by the hour's second.
"""

import asyncio
import contextlib
import dataclasses
import math
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Self

import orjson
import uvloop

from adapters.contract import (
    AdapterConfig,
    Batch,
    Claim,
    Definition,
    Health,
    HealthState,
    Link,
    Raw,
    Reading,
    Record,
    Unreadable,
)
from hub.app import Hub
from hub.clock import ManualClock, now
from hub.graph.embedded import Embedded
from hub.graph.store import GraphConfig, Store
from hub.ingest.collector import spare_collector
from hub.ingest.source import SourceSpec
from hub.journal.records import HUB, Draft
from hub.parts import open_parts
from hub.settings import load
from hub.telemetry import configure_logs
from hub.warning import rules

SENSORS, ZONES = 300, 20
WHAT = (  # quantity, unit, usual value, a step outside the deadband, a value past the example's limit
    ("cable_temperature", "Cel", 41.0, 1.5, 75.0),
    ("residual_current", "mA", 90.0, 5.0, 340.0),
    ("voltage", "V", 221.0, 2.5, 221.0),
    ("current", "A", 60.0, 3.0, 60.0),
    ("temperature", "Cel", 22.0, 1.0, 22.0),
)


class Hour:
    """An adapter that yields a second's readings of all sensors as fast as they are taken."""

    def __init__(self, clock: ManualClock, begin: asyncio.Event, seconds: int) -> None:
        self.clock, self.begin, self.seconds = clock, begin, seconds
        self.done = 0  # seconds
        self.ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        return None

    async def check(self) -> Health:
        return Health(state=HealthState.OK)

    async def discover(self) -> AsyncIterator[Claim]:
        for number in range(SENSORS):
            place = Link(relation="LOCATED_IN", target=f"z{number % ZONES}", source=HUB)
            values = {"kind": "SENSOR", "name": f"传感器 {number}"}
            yield Claim(kind="Asset", external_id=f"s{number}", values=values, links=(place,))

    async def read(self, cursor: str | None) -> AsyncIterator[Batch]:
        await self.begin.wait()
        for second in range(self.seconds):
            at = self.clock.advance(timedelta(seconds=1))

            async def ack(second: int = second) -> None:
                self.done = second + 1
                if self.done == self.seconds:
                    self.ended.set()

            yield Batch(records=[reading(n, second, at) for n in range(SENSORS)], received_at=at, ack=ack)
        await asyncio.Event().wait()

    def decode(self, raw: Raw) -> Sequence[Record]:
        raise Unreadable("nothing is ever raw here")


def reading(number: int, second: int, at: object) -> Reading:
    """Every one is stored; every tenth sensor is past its limit for a minute of each quarter of an hour."""
    quantity, unit, usual, step, high = WHAT[number % len(WHAT)]
    past = number % 10 < 2 and (second + 7 * number) % 900 < 60
    value = (high if past else usual) + step * (second % 2) + step / 10 * math.sin(second / 50)
    return Reading(f"s{number}", quantity, value, unit, at)  # type: ignore[arg-type]


def megabytes(name: str) -> float:
    """`VmRSS`, or `VmHWM`, the most that it ever was (proc(5)), of this process alone."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


async def main(file: Path, seconds: int) -> None:
    settings = load(file)
    assert settings.rules is not None
    clock = ManualClock(now() - timedelta(seconds=seconds))
    begin = asyncio.Event()
    hour = Hour(clock, begin, seconds)
    definition = Definition(
        name="hour", version="1", summary="", config=AdapterConfig, factory=lambda _s, _c: hour, polls=False
    )
    async with open_parts(settings, clock) as opened:
        parts = dataclasses.replace(
            opened, specs=(SourceSpec(id="hour", definition=definition, config=AdapterConfig()),)
        )
        zones = [
            Claim(kind="Place", external_id=f"z{n}", values={"kind": "ZONE", "name": f"区 {n}"}) for n in range(ZONES)
        ]
        await parts.journal.append(Draft(source=HUB, received_at=clock(), claims=zones))
        await rules.record(parts.journal, rules.load(settings.rules, settings.quantities), clock())
        embedded = Embedded(settings.state_dir, now)
        store = await Store.open(GraphConfig(uri="bolt://127.0.0.1:1"))
        embedded.moved = store.move
        hub = Hub(parts, store, embedded)
        spare_collector()
        running = asyncio.create_task(hub.run())
        told = asyncio.create_task(listen(hub))
        try:
            while len(await parts.journal.live_claims("hour")) < SENSORS:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.1)
            assert await hub.projector.wait_for(parts.journal.head, 120)
            begin.set()
            watched = asyncio.create_task(watch(hour))
            await hour.ended.wait()
            for part in (hub.projector, hub.engine):
                while part.position < parts.journal.head:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.05)
            watched.cancel()
            samples = (await asyncio.gather(watched, return_exceptions=True))[0]
            assert isinstance(samples, list)
            stored = hub.supervisor.statuses()[0].counts.readings
            assert stored == SENSORS * seconds, f"{stored} readings were stored"
            result = {"peak": megabytes("VmHWM"), "samples": samples, "readings": stored}
        finally:
            told.cancel()
            alerts = (await asyncio.gather(told, return_exceptions=True))[0]
            hub.stop.set()
            await asyncio.gather(running, return_exceptions=True)
            await store.close()
            await embedded.stop()
    print(orjson.dumps({**result, "alerts": alerts}).decode(), flush=True)


async def watch(hour: Hour) -> list[tuple[int, float]]:
    """(the hour's second, MB), some times a second, until it is cancelled."""
    samples: list[tuple[int, float]] = []
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            samples.append((hour.done, megabytes("VmRSS")))
            await asyncio.sleep(0.1)
    return samples


async def listen(hub: Hub) -> int:
    """One subscriber to alerts; how many it was told."""
    heard = 0
    with contextlib.suppress(asyncio.CancelledError):
        async for _ in hub.feed.alerts(None):
            heard += 1
    return heard


if __name__ == "__main__":
    configure_logs("WARNING", sys.stderr)
    uvloop.run(main(Path(sys.argv[1]), int(sys.argv[2])))
