"""An adapter that a test plays by hand, and the hub's half of ingest around it on a real journal."""

import asyncio
import contextlib
import inspect
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from adapters.contract import (
    AdapterConfig,
    Batch,
    Claim,
    Cursor,
    DeadLetter,
    Definition,
    Health,
    HealthState,
    Raw,
    Reading,
    Record,
    Unreachable,
    Unreadable,
    guarded,
)
from hub.clock import now
from hub.ingest.intake import Intake
from hub.ingest.source import SourceSpec
from hub.ingest.supervisor import Pace, Supervisor
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import ReadingsEntry
from hub.journal.sealing import Keyring, KeyringConfig
from hub.units import Quantity

TEMPERATURE = Quantity(name="temperature", unit="Cel", deadband=0.2)
QUANTITIES = {"temperature": TEMPERATURE}


@dataclass
class Script:
    """What the peer does; a test changes it while the supervisor runs."""

    waiting: deque[bytes] = field(default_factory=deque)
    acknowledged: list[bytes] = field(default_factory=list)
    handed_out: int = 0
    gone: bool = False
    things: list[str] = field(default_factory=list)
    unlisted: Exception | None = None  # what discover raises
    entered: int = 0
    left: int = 0

    def say(self, *texts: str) -> None:
        self.waiting += [text.encode() for text in texts]


class Scripted:
    """A message is `sensor value`; what is not acknowledged comes again when the adapter is opened anew."""

    def __init__(self, script: Script) -> None:
        self.script = script

    async def __aenter__(self) -> Self:
        self._alive()
        self.script.entered += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.script.left += 1

    def _alive(self) -> None:
        if self.script.gone:
            raise Unreachable("nobody answers at script:1; start it")

    async def check(self) -> Health:
        self._alive()
        return Health(state=HealthState.OK, version="7")

    async def discover(self) -> AsyncIterator[Claim]:
        if self.script.unlisted is not None:
            raise self.script.unlisted
        for name in list(self.script.things):
            yield Claim(kind="Asset", external_id=name, values={"kind": "SENSOR", "name": name})

    async def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        given = 0
        while True:
            self._alive()
            if given >= len(self.script.waiting):
                await asyncio.sleep(0.005)
                continue
            data = self.script.waiting[given]
            given += 1
            self.script.handed_out += 1
            records: Sequence[Record] = ()
            letters = []
            raw = Raw(key="topic", received_at=now(), data=data)
            try:
                records = guarded(self.decode)(raw)
            except Unreadable as error:
                letters.append(DeadLetter.of(raw, error))

            async def ack(data: bytes = data) -> None:
                nonlocal given
                self._alive()
                self.script.acknowledged.append(data)
                if self.script.waiting.popleft() != data:
                    raise AssertionError("acknowledged out of order")
                given -= 1

            yield Batch(records=records, unreadable=letters, received_at=now(), ack=ack)

    def decode(self, raw: Raw) -> Sequence[Record]:
        if raw.data == b"crash":
            raise ZeroDivisionError("a bug")
        try:
            sensor, value = raw.data.decode().split()
            return [Reading(sensor, "temperature", float(value), "°C")]
        except ValueError as error:
            raise Unreadable("not `sensor value`") from error


def spec_of(
    script: Script,
    name: str = "scripted",
    *,
    made: Callable[[Script], Scripted] = Scripted,
    polls: bool = False,
    **changes: Any,
) -> SourceSpec:
    definition = Definition(
        name="scripted",
        version="1",
        summary="",
        config=AdapterConfig,
        factory=lambda source, config: made(script),
        polls=polls,
    )
    given: dict[str, Any] = {"expect_within": timedelta(seconds=30), **changes}
    return SourceSpec(id=name, definition=definition, config=AdapterConfig(), **given)


@contextlib.asynccontextmanager
async def journal(folder: Path) -> AsyncIterator[Journal]:
    keyring = Keyring.open(KeyringConfig(store=folder / "keys.db", park_key=folder / "park.key"))
    opened = await Journal.open(JournalConfig(url="sqlite", folder=folder / "state", keyring=keyring))
    try:
        yield opened
    finally:
        await opened.close()
        keyring.close()


@contextlib.asynccontextmanager
async def running(
    log: Any, *specs: SourceSpec, quantities: Mapping[str, Quantity] = QUANTITIES
) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(specs, Intake(log, quantities), log, now, pace=Pace(first=0.02, most=0.1, drain=2.0))
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        try:
            yield supervisor
        finally:
            await supervisor.stop()


async def until(holds: Callable[[], object], what: str, seconds: float = 10) -> None:
    """`holds` may be a coroutine function."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = holds()
                if await found if inspect.isawaitable(found) else found:
                    return
                await asyncio.sleep(0.01)
    except TimeoutError as error:
        raise AssertionError(f"not within {seconds} s: {what}") from error


async def values(log: Journal) -> list[float]:
    return [row.value for e in await log.read(0, 100_000) if isinstance(e, ReadingsEntry) for row in e.rows]


async def events(log: Journal, stream: str) -> list[str]:
    return [event.type for event in await log.stream(stream)]
