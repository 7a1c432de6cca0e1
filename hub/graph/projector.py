"""Follows the journal and keeps the graph showing its latest claims: one writer, each batch once, or twice to no harm.

The graph is a function of the latest claims, the identities and the match decisions. A batch and the position that it
leads to are written in one transaction, kept by the node `Projection {name: 'graph'}`; while the engine works on one
batch the next is prepared. A graph of another epoch, from past the journal's head, or of no known position is rebuilt.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import LiteralString, cast

from hub.clock import Clock
from hub.errors import DeadlineExceeded, GraphUnavailable, Internal
from hub.graph.changes import Changes, Known, Planner
from hub.graph.migrate import migrate
from hub.graph.rebuild import Progress, rebuild
from hub.graph.store import Step, Store
from hub.journal.log import Journal
from hub.journal.records import ClaimEntry, Entry, EventEntry
from hub.telemetry import logger

log = logger(__name__)

ENTRIES = 1000  # about as many are read at once
_WAIT_SECONDS = 1.0
_NOTE_SECONDS = 1.0  # how long the position may lie behind in the graph when nothing in it changes
_LONGEST_PAUSE = 5.0
_BROKEN_AFTER = 3  # refusals in a row, before the files are taken to be broken

STAND: LiteralString = (
    "MATCH (p:Projection {name: 'graph'})"
    " RETURN p.position AS position, p.epoch AS epoch, p.generation AS generation, p.building AS building"
)
MOVE: LiteralString = (
    "MERGE (p:Projection {name: 'graph'}) SET p.position = $position, p.epoch = $epoch, p.generation = $generation"
)


@dataclass(frozen=True, slots=True)
class _Batch:
    position: int
    changes: Changes = field(default_factory=Changes)


class Projector:
    """`run` it as a task. `precedence`: source → rank, the higher wins. `broken` is called when the engine goes on
    refusing what it should take, such as `Embedded.replace`."""

    def __init__(
        self,
        journal: Journal,
        store: Store,
        clock: Clock,
        precedence: Mapping[str, int],
        *,
        broken: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._journal = journal
        self._store = store
        self._clock = clock
        self._planner = Planner(journal, store, precedence)
        self._broken = broken
        self._position = 0
        self._noted = (0, 0.0)  # the position in the graph, and when it was put there
        self._generation = 0
        self._moved = asyncio.Condition()
        self._asked: list[tuple[asyncio.Future[int], Progress | None]] = []
        self._ready = False

    @property
    def position(self) -> int:
        """The graph shows everything up to this sequence number; 0 until it is known."""
        return self._position

    @property
    def generation(self) -> int:
        """Which rebuild the graph was written by."""
        return self._generation

    async def wait_for(self, seq: int, seconds: float) -> bool:
        """Whether the graph shows `seq` before the time is over."""
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(lambda: self._position >= seq)
        except TimeoutError:
            return False
        return True

    async def rebuild(self, progress: Progress | None = None) -> int:
        """Writes the graph anew, between two batches of `run`; the number of entities. `progress(done)` is called
        as it goes. Waits for the graph while it is down; raises what stops the rebuild otherwise."""
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked.append((done, progress))
        return await done

    async def run(self) -> None:
        """Until cancelled. While the graph is down it waits, then goes on from where the graph stands."""
        pause, refused = 0.1, 0
        while True:
            self._ready = False
            try:
                await self._follow()
            except GraphUnavailable:
                pass
            except (Internal, DeadlineExceeded) as error:
                refused = 1 if self._ready else refused + 1
                log.warning("projector.refused", reason=error.message, times=refused)
                if refused >= _BROKEN_AFTER and self._broken is not None:
                    refused = 0
                    await self._replace()
            pause = 0.1 if self._ready else min(pause * 2, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _replace(self) -> None:
        if self._broken is not None:
            try:
                await self._broken()
            except GraphUnavailable as error:
                log.warning("projector.replacement_failed", reason=error.message)

    async def _follow(self) -> None:
        await migrate(self._store, self._clock)
        await self._take_up()
        now: _Batch | None = None
        while True:
            if now is None:
                while self._asked:
                    await self._rebuild_as_asked()
                now = await self._next(self._position, {})
            if now is None:
                await self._note_position()
                await self._journal.wait(self._position, _WAIT_SECONDS)
            else:
                now = await self._both(now)
                self._ready = True

    async def _both(self, now: _Batch) -> _Batch | None:
        """Writes a batch and prepares the next one meanwhile."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(now))
                following = group.create_task(self._next(now.position, now.changes.after))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        return None if self._asked else following.result()

    async def _next(self, after: int, pending: Mapping[str, Known | None]) -> _Batch | None:
        reached, entries = await self._journal.records(after, ENTRIES)
        if reached == after:
            return None
        touched, parted = _touched(entries)
        changes = await self._planner.changes(touched, generation=self._generation, pending=pending, parted=parted)
        return _Batch(reached, changes)

    async def _write(self, batch: _Batch) -> None:
        if batch.changes.steps:
            await self._store.write([*batch.changes.steps, self._move(batch.position)])
            self._noted = (batch.position, time.monotonic())
        elif time.monotonic() - self._noted[1] > _NOTE_SECONDS:
            await self._note(batch.position)
        await self._arrive(batch.position)

    async def _note_position(self) -> None:
        """When nothing is left to do, the graph itself shall say how far it is."""
        if self._noted[0] < self._position and time.monotonic() - self._noted[1] > _NOTE_SECONDS:
            await self._note(self._position)

    async def _note(self, position: int) -> None:
        await self._store.write([self._move(position)])
        self._noted = (position, time.monotonic())

    def _move(self, position: int) -> Step:
        return MOVE, {"position": position, "epoch": self._journal.epoch, "generation": self._generation}

    async def _arrive(self, position: int) -> None:
        async with self._moved:
            self._position = position
            self._moved.notify_all()

    async def _take_up(self) -> None:
        stands = await self._store.read(STAND, {})
        if stands and stands[0]["epoch"] == self._journal.epoch:
            position = cast("int", stands[0]["position"])
            if position <= self._journal.head:
                self._generation = cast("int", stands[0]["generation"])
                self._noted = (position, time.monotonic())
                await self._arrive(position)
                return
        await self._rebuild(None)

    async def _rebuild_as_asked(self) -> None:
        done, progress = self._asked[0]
        try:
            count = await self._rebuild(progress)
        except GraphUnavailable:
            raise  # it stays asked for
        except (Internal, DeadlineExceeded) as error:
            self._asked.pop(0)
            if not done.done():
                done.set_exception(error)
            raise
        self._asked.pop(0)
        if not done.done():
            done.set_result(count)

    async def _rebuild(self, progress: Progress | None) -> int:
        stands = await self._store.read(STAND, {})
        last = (
            max((cast("int", stands[0][name] or 0) for name in ("generation", "building")), default=0) if stands else 0
        )
        position = self._journal.head
        count = await rebuild(self._journal, self._store, self._planner, last + 1, progress)
        self._generation = last + 1
        await self._note(position)
        await self._arrive(position)
        return count


def _touched(entries: Sequence[Entry]) -> tuple[set[str], set[str]]:
    """The entities that the entries concern, and among them those whose identity changed."""
    touched: set[str] = set()
    parted: set[str] = set()
    for entry in entries:
        if isinstance(entry, ClaimEntry):
            touched.add(entry.entity)
        elif isinstance(entry, EventEntry) and entry.type in ("entity.merged", "entity.split"):
            parted |= {str(entry.data["entity"]), str(entry.data["alias"])}
    return touched | parted, parted
