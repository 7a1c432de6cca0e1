"""The real server that an adapter is tested against, as its author describes it, and the bench that runs both."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from adapters.contract import (
    Adapter,
    AdapterConfig,
    AnyDefinition,
    Batch,
    Claim,
    Cursor,
    Raw,
    Reading,
    Record,
    Source,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a protocol can do, so that no promise is tested that it cannot make."""

    credentials: bool = False  # `refused_config` gives one that the server refuses
    acknowledges: bool = False  # what was not acknowledged comes again after a reconnection
    cursors: bool = False  # read(cursor) goes on where that cursor stood
    spoils: bool = True  # `spoil` can make the server give something unreadable
    bound: int = 10_000  # the most records that may be handed out, or stand in one batch, with none acknowledged
    patience: float = 15.0  # seconds within which records arrive and a lost peer is noticed


class Counterpart(Protocol):
    """A real server with known contents, which the adapter's author starts; each test makes a fresh one.

    The methods block; the tests call them from a thread. Where the server is not installed, `start` calls
    `pytest.skip` with a text that says how to get it.
    """

    traits: ClassVar[Traits]

    def __init__(self, folder: Path) -> None:
        """`folder` is empty and the counterpart's own."""
        ...

    def start(self) -> None:
        """Returns when the server answers."""
        ...

    def stop(self) -> None:
        """Ends the server for good; also where `start` failed half way, and where it is paused."""
        ...

    def pause(self) -> None:
        """The peer is gone: connections break and new ones are refused. What it keeps for its clients survives."""
        ...

    def resume(self) -> None:
        """The peer is back, at the same address."""
        ...

    def config(self) -> Mapping[str, object]:
        """Settings with which the adapter reads this server, as they would stand under `[source.config]`."""
        ...

    def refused_config(self) -> Mapping[str, object]:
        """The same with wrong credentials; asked for only where `traits.credentials` holds."""
        ...

    def produce(self, n: int) -> Sequence[Record]:
        """Makes `n` records readable and returns what the adapter must make of them.

        Values differ from each other and from all before; as many as the protocol allows share one time, so that a
        cursor's edge falls among ties. A server that shows a state (registers) sets `n` of its sensors; the contract
        then asks for at most 8. What is produced after an adapter was entered must reach it, and what was produced
        for a session that is kept (MQTT) too.
        """
        ...

    def spoil(self) -> None:
        """Makes the server give one thing that cannot be read, once or until the next `produce`."""
        ...

    def payloads(self) -> Sequence[Raw]:
        """The payloads of what was last produced, as the adapter hands them to `decode`; at least one."""
        ...


Identity = tuple[object, ...]


def identity(record: Record) -> Identity:
    """What makes two records the same for the contract; floats to six digits, since a device has no more."""
    if isinstance(record, Reading):
        return ("reading", record.sensor, record.quantity, f"{record.value:.6g}", record.unit)
    if isinstance(record, Claim):
        values = tuple(sorted((k, str(v)) for k, v in record.values.items()))
        return ("claim", record.kind, record.external_id, record.gone, values)
    return ("signal", record.type, record.subject, tuple(sorted((k, str(v)) for k, v in record.values.items())))


def records(batches: Sequence[Batch]) -> list[Identity]:
    return [identity(record) for batch in batches for record in batch.records]


def holds(wanted: Sequence[Record]) -> Callable[[Sequence[Batch]], bool]:
    """Whether batches hold all of `wanted`."""
    keys = {identity(record) for record in wanted}
    return lambda batches: keys <= set(records(batches))


def never(_: Sequence[Batch]) -> bool:
    return False


@contextlib.asynccontextmanager
async def closing(batches: AsyncIterator[Batch]) -> AsyncIterator[AsyncIterator[Batch]]:
    """A generator that is left half way is closed at once, not when it is collected."""
    try:
        yield batches
    finally:
        if isinstance(batches, AsyncGenerator):
            await batches.aclose()


class Bench:
    """One counterpart that runs, and adapters made for it."""

    def __init__(self, definition: AnyDefinition, peer: Counterpart) -> None:
        self.definition = definition
        self.peer = peer
        self.traits = peer.traits

    def configured(self, given: Mapping[str, object] | None = None) -> AdapterConfig:
        config: AdapterConfig = self.definition.config.model_validate(
            dict(self.peer.config() if given is None else given)
        )
        return config

    def adapter(self, given: Mapping[str, object] | None = None) -> Adapter:
        made: Adapter = self.definition.factory(Source(id="contract"), self.configured(given))
        return made

    async def produce(self, n: int) -> Sequence[Record]:
        made = await asyncio.to_thread(self.peer.produce, n)
        assert len(made) == n, f"the counterpart was asked for {n} records and says it made {len(made)}"
        return made

    async def take(
        self,
        adapter: Adapter,
        until: Callable[[Sequence[Batch]], bool],
        *,
        cursor: Cursor | None = None,
        seconds: float | None = None,
        acknowledge: bool = True,
    ) -> list[Batch]:
        """Batches until `until` holds or `seconds` are over; a poll is run again and again."""
        taken: list[Batch] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.traits.patience if seconds is None else seconds):
                while True:
                    async with closing(adapter.read(cursor)) as batches:
                        async for batch in batches:
                            taken.append(batch)
                            cursor = batch.cursor or cursor
                            if acknowledge:
                                await batch.ack()
                            if until(taken):
                                return taken
                    assert self.definition.polls, "read() of a stream ended; raise Unreachable when the peer is gone"
                    await asyncio.sleep(0.05)
        return taken

    async def take_all(self, adapter: Adapter, wanted: Sequence[Record], *, why: str) -> list[Batch]:
        taken = await self.take(adapter, holds(wanted))
        seen = set(records(taken))
        missing = [record for record in wanted if identity(record) not in seen]
        assert not missing, f"{why}: {len(missing)} of {len(wanted)} records never came, the first {missing[0]}"
        return taken


@contextlib.contextmanager
def running(definition: AnyDefinition, counterpart: type[Counterpart], folder: Path) -> Iterator[Bench]:
    peer = counterpart(folder)
    try:
        peer.start()
        yield Bench(definition, peer)
    finally:
        peer.stop()
