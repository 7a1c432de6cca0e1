"""One source while its adapter is open: the first snapshot, then polls or a stream, into the journal in order."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TypeVar

from adapters.contract import (
    Adapter,
    AnyDefinition,
    Batch,
    Claim,
    CredentialsRefused,
    Cursor,
    Fault,
    HealthState,
    SourceError,
    Unreadable,
)
from hub.clock import Clock
from hub.errors import Refused
from hub.ingest.commit import Committer, Pending
from hub.ingest.confirmed import Confirmed, source_of
from hub.ingest.flood import Flood
from hub.ingest.health import SourceHealth
from hub.ingest.intake import SNAPSHOT_PAGE, Accepted, Intake
from hub.ingest.source import SourceSpec
from hub.journal.log import Journal
from hub.telemetry import logger

log = logger(__name__)
T = TypeVar("T")
_DISCOVER_AGAIN = timedelta(seconds=5), timedelta(minutes=5)
"""First and most, between tries to list what the source has."""


async def _nothing() -> None:
    return None


class Session:
    """`run` it again and again; what must outlast one opening of the adapter stays here."""

    def __init__(
        self,
        spec: SourceSpec,
        intake: Intake,
        journal: Journal,
        health: SourceHealth,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._spec = spec
        self._intake = intake
        self._journal = journal
        self._health = health
        self._clock = clock
        self._chance = chance
        self._flood = Flood(spec)
        self._discover_at = clock()
        self._misses = 0  # of discover, one after the other
        self._confirmed = False
        self._confirming = asyncio.Event()
        self._confirmed_by_people = Confirmed(journal, spec)
        self._stopping = asyncio.Event()
        self.is_open = False

    async def run(self, drain: float) -> None:
        """Until the source fails (raises) or `stop` (returns)."""
        definition: AnyDefinition = self._spec.definition
        source, self._confirmed_by_people = await source_of(self._journal, self._spec)
        async with definition.factory(source, self._spec.config) as adapter:
            found = await adapter.check()
            self._health.version = found.version
            if found.state is not HealthState.OK:
                self._health.note(Fault(where=self._spec.id, reason=found.text))
            committer = Committer(self._journal, self._health, self._flood)
            self.is_open = True
            try:
                async with asyncio.TaskGroup() as group:
                    others = [group.create_task(committer.run(), name=f"commit {self._spec.id}")]
                    if not definition.polls:
                        others.append(group.create_task(self._snapshots(adapter, committer)))
                        others.append(group.create_task(self._settle()))
                    halt = _Halt(group, self._stopping, drain)
                    await self._read(adapter, committer, halt)
                    halt.end()
                    for other in others:
                        other.cancel()
            finally:
                self.is_open = False

    def stop(self) -> None:
        """An open session stores and acknowledges what was read, and ends."""
        self._stopping.set()

    def forget(self) -> None:
        """What was read and not stored comes again: it must not count as the last of its kind."""
        self._intake.forget(self._spec.id)
        self._flood.forget()

    def confirm(self) -> None:
        self._confirmed = True
        self._confirming.set()

    @staticmethod
    def root(error: BaseException) -> BaseException:
        """The first cause within a group, the source's own error before others."""
        if not isinstance(error, BaseExceptionGroup):
            return error
        roots = [Session.root(inner) for inner in error.exceptions]
        return next((root for root in roots if Session.is_the_sources(root)), roots[0])

    @staticmethod
    def is_the_sources(error: BaseException) -> bool:
        """A failure that an adapter may report, or that a network makes; all else is a bug."""
        return isinstance(error, SourceError)

    async def _read(self, adapter: Adapter, committer: Committer, halt: "_Halt") -> None:
        cursor = await self._journal.cursor(self._spec.id)
        if self._spec.definition.polls:
            await self._poll(adapter, committer, cursor, halt)
        else:
            await self._consume(adapter, committer, cursor, halt)
            if not halt.now:
                raise SourceError("the stream ended, though it should not; it is opened anew")

    async def _poll(self, adapter: Adapter, committer: Committer, cursor: Cursor | None, halt: "_Halt") -> None:
        loop = asyncio.get_running_loop()
        every = self._spec.every.total_seconds()
        due = loop.time() + self._chance() * min(every, 1.0)
        while not halt.now:
            await halt.unless(asyncio.sleep(max(0.0, due - loop.time())))
            await self._confirmed_by_people.refresh()
            if self._is_due():
                await halt.unless(self._snapshot(adapter, committer))
            due = max(loop.time(), due + every * (0.95 + self._chance() / 10))
            cursor = await self._consume(adapter, committer, cursor, halt)
            if not halt.now:
                self._health.seen()

    async def _consume(
        self, adapter: Adapter, committer: Committer, cursor: Cursor | None, halt: "_Halt"
    ) -> Cursor | None:
        """One run of `read`; the last cursor that it gave. What was read is stored and acknowledged while the
        adapter still reads, since its acknowledgements may need the connection."""
        async with _closing(adapter.read(cursor)) as batches:
            while True:
                coming = await halt.begun(_next(batches))
                batch = coming.result() if coming.done() else None
                if not isinstance(batch, Batch):
                    break
                accepted = self._flood.thin(await self._intake.accept(self._spec, batch))
                sign = bool(batch.records or batch.unreadable)
                await halt.unless(committer.put(Pending(accepted=accepted, ack=batch.ack, sign=sign)))
                cursor = batch.cursor or cursor
            await halt.unless(committer.drain())
            if halt.now:
                with suppress(TimeoutError):
                    async with asyncio.timeout(halt.drain):
                        await committer.drain()
            await _dropped(coming)
        if isinstance(batch, SourceError):
            raise batch
        return cursor

    def _is_due(self) -> bool:
        return self._confirming.is_set() or self._clock() >= self._discover_at

    async def _snapshots(self, adapter: Adapter, committer: Committer) -> None:
        while True:
            if self._is_due():
                await self._snapshot(adapter, committer)
            left = (self._discover_at - self._clock()).total_seconds()
            try:
                async with asyncio.timeout(max(0.05, left)):
                    await self._confirming.wait()
            except TimeoutError:
                continue

    async def _settle(self) -> None:
        """A stream that stays open is back, though it may have nothing to say."""
        await asyncio.sleep(min(1.0, self._spec.expect_within.total_seconds() / 2))
        self._health.failure = None

    async def _snapshot(self, adapter: Adapter, committer: Committer) -> None:
        """Page by page, so that a large source is never whole in memory; what is missing is known at the end."""
        self._confirming.clear()
        received_at, named = self._clock(), set[str]()
        async with _closing(adapter.discover()) as claims:
            while True:
                try:
                    page = await _page(claims)
                except Exception as error:  # noqa: BLE001 - that the set is unknown must not cost the readings
                    self._missed(error)
                    return
                if not page:
                    break
                named.update(claim.external_id for claim in page)
                await self._hand_on(await self._intake.records(self._spec, page, received_at), committer)
        confirmed, self._confirmed = self._confirmed, False
        self._health.question = None
        if self._spec.definition.discovers_all:
            try:
                gone = await self._intake.missing(self._spec, named, confirm=confirmed)
            except Refused as refused:
                self._health.question = refused.message
            else:
                for start in range(0, len(gone), SNAPSHOT_PAGE):
                    retired = gone[start : start + SNAPSHOT_PAGE]
                    await self._hand_on(await self._intake.records(self._spec, retired, received_at), committer)
        self._discover_at = self._clock() + self._spec.discover_every
        if self._misses:
            log.info("source.discovered_again", source=self._spec.id)
        self._misses, self._health.undiscovered = 0, None

    async def _hand_on(self, accepted: Accepted, committer: Committer) -> None:
        await committer.put(Pending(accepted=self._flood.thin(accepted), ack=_nothing, sign=False))

    def _missed(self, error: Exception) -> None:
        """Reading goes on with what is known; the next try comes sooner than the next look."""
        if not isinstance(error, SourceError | Unreadable):
            log.error("source.discover_bug", source=self._spec.id, exc_info=error)
        elif not self._misses:
            log.warning("source.undiscovered", source=self._spec.id, text=str(error))
        first, most = _DISCOVER_AGAIN
        soon = most if isinstance(error, CredentialsRefused) else min(most, first * 2**self._misses)
        self._discover_at = self._clock() + min(soon, self._spec.discover_every)
        self._misses = min(self._misses + 1, 20)
        why = str(error) if isinstance(error, SourceError | Unreadable) else f"the adapter met {error!r}; see its log"
        self._health.undiscovered = f"what the source has could not be listed, and reading goes on without: {why}"


class _Halt:
    """Lets `stop` cut in where nothing is lost by it."""

    def __init__(self, group: asyncio.TaskGroup, stopping: asyncio.Event, drain: float) -> None:
        self.drain = drain
        self._group = group
        self._stopping = stopping
        self._told = group.create_task(self._tell())

    async def _tell(self) -> None:
        await self._stopping.wait()

    @property
    def now(self) -> bool:
        return self._stopping.is_set()

    def end(self) -> None:
        self._told.cancel()

    async def begun(self, work: Coroutine[object, object, T]) -> asyncio.Task[T]:
        """`work` as a task, when it is done or when `stop` came; it is then for the caller to cancel."""
        task = self._group.create_task(work)
        await asyncio.wait({task, self._told}, return_when=asyncio.FIRST_COMPLETED)
        return task

    async def unless(self, work: Coroutine[object, object, object]) -> None:
        """Carries out `work`, or drops it where `stop` comes first."""
        task = await self.begun(work)
        if not task.done():
            await _dropped(task)


async def _dropped(task: asyncio.Task[T]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def _page(claims: AsyncIterator[Claim]) -> list[Claim]:
    """The next of what a source has; none at the end."""
    page: list[Claim] = []
    async for claim in claims:
        page.append(claim)
        if len(page) == SNAPSHOT_PAGE:
            break
    return page


async def _next(batches: AsyncIterator[Batch]) -> Batch | SourceError | None:
    """None at the end of a poll; the source's failure as a value, so that what was read before is stored first."""
    try:
        return await anext(batches)
    except StopAsyncIteration:
        return None
    except SourceError as error:
        return error


@asynccontextmanager
async def _closing(batches: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    try:
        yield batches
    finally:
        if isinstance(batches, AsyncGenerator):
            await batches.aclose()
