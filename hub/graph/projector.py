"""Follows the journal and keeps the graph showing its latest claims: one writer, each batch once, or twice to no harm.

The graph is a function of the latest claims, the identities and the match decisions. A batch and the position that it
leads to are written in one transaction, kept by the node `Projection {name: 'graph'}`; while the engine works on one
batch the next is prepared. A graph of another epoch, from past the journal's head, of no known position,
or whose values were chosen by other precedences is rebuilt.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import LiteralString, cast

from hub.clock import Clock
from hub.errors import DeadlineExceeded, GraphUnavailable, Internal
from hub.graph.changes import NOTHING, Changes, Planner
from hub.graph.migrate import migrate
from hub.graph.rebuild import Progress, rebuild
from hub.graph.standing import Standing
from hub.graph.store import Step, Store
from hub.journal.claims import Changed
from hub.journal.log import Journal
from hub.telemetry import logger

log = logger(__name__)

ENTRIES = 1000  # about as many are read at once
_WAIT_SECONDS = 1.0
_NOTE_SECONDS = 1.0  # how long the position may lie behind in the graph when nothing in it changes
_LONGEST_PAUSE = 5.0
_BROKEN_AFTER = 3  # refusals in a row, before the files are taken to be broken

STAND: LiteralString = (
    "MATCH (p:Projection {name: 'graph'}) WHERE p.position IS NOT NULL"
    " RETURN p.position AS position, p.epoch AS epoch, p.generation AS generation,"
    " p.precedence AS precedence"
)
LAST: LiteralString = (
    "OPTIONAL MATCH (p:Projection {name: 'graph'})"
    " RETURN coalesce(p.generation, 0) AS generation, coalesce(p.building, 0) AS building"
)
BEGIN: LiteralString = (
    "MERGE (p:Projection {name: 'graph'}) SET p.position = $position, p.epoch = $epoch, p.generation = $generation,"
    " p.precedence = $precedence"
)
MOVE: LiteralString = (
    "MATCH (p:Projection {name: 'graph', position: $before, epoch: $epoch, generation: $generation})"
    " SET p.position = $position RETURN p.position AS position"
)
"""Finds nothing where another graph stands than the one that was taken up."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """`ahead`: what the journal holds after it, read already."""

    position: int
    changes: Changes
    ahead: Changed


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
        self._precedence = json.dumps(precedence, sort_keys=True)  # the graph's values were chosen by it
        self._broken = broken
        self._position = 0
        self._noted = (0, 0.0)  # the position in the graph, and when it was put there
        self._generation = 0
        self._moved = asyncio.Condition()
        self._asked: list[tuple[asyncio.Future[int], Progress | None]] = []
        self._ready = False
        self._rebuilt = 0  # entities
        self._standing: Standing | None = None  # None while it is not sure what the graph shows
        self._renewed = False

    @property
    def position(self) -> int:
        """The graph shows everything up to this sequence number; 0 until it is known."""
        return self._position

    @property
    def generation(self) -> int:
        """Which rebuild the graph was written by."""
        return self._generation

    @property
    def standing(self) -> tuple[str, int, int] | None:
        """What the graph shows: equal while nothing was said that could change it. None while it does not show yet
        what was said, or nobody knows what it shows."""
        said = self._journal.said
        if self._standing is None or self._position < said:
            return None
        return self._journal.epoch, self._generation, said

    async def wait_for(self, seq: int, seconds: float) -> bool:
        """Whether the graph shows `seq` before the time is over. While the engine is out of touch nobody can say
        what it will show when it is back: an emptied one, perhaps."""
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(lambda: self._standing is not None and self._position >= seq)
        except TimeoutError:
            return False
        return True

    async def rebuild(self, progress: Progress | None = None) -> int:
        """Writes the graph anew, between two batches of `run`; the number of entities. `progress(done)` is called
        as it goes. Waits for the graph while it is down; raises what stops the rebuild otherwise."""
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked.append((done, progress))
        return await done

    def renewed(self) -> None:
        """The engine's files were deleted: the graph is empty, and is written anew."""
        self._renewed = self._standing is not None  # else it was noticed
        self._standing, self._position = None, 0

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
            finally:
                self._standing = None
            pause = 0.1 if self._ready else min(pause * 2, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _replace(self) -> None:
        if self._broken is not None:
            try:
                await self._broken()
            except GraphUnavailable as error:
                log.warning("projector.replacement_failed", reason=error.message)

    async def _follow(self) -> None:
        self._renewed = False
        await migrate(self._store, self._clock)
        standing = self._standing = await self._take_up()
        now: _Batch | None = None
        while True:
            if self._renewed:
                raise GraphUnavailable("its files were deleted")
            if now is None:
                while self._asked:
                    standing = self._standing = await self._rebuild_as_asked()
                read = await self._journal.changed(self._position, ENTRIES)
                now = await self._next(read, standing, self._position)
            if now is not None:
                now = await self._both(now, standing)
                self._ready = True
            elif await self._journal.wait(self._position, _WAIT_SECONDS) == self._position:
                await self._look()

    async def _both(self, now: _Batch, standing: Standing) -> _Batch | None:
        """Writes a batch and prepares the next one meanwhile."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(now, standing))
                following = group.create_task(self._next(now.ahead, standing, now.position, now.changes))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        return None if self._asked else following.result()

    async def _next(self, read: Changed, standing: Standing, before: int, pending: Changes = NOTHING) -> _Batch | None:
        """The batch of what was read above `before`, while what follows is read; None for nothing new."""
        if read.reached == before:
            return None
        changes, ahead = await asyncio.gather(
            self._planner.changes(
                read.latest,
                generation=self._generation,
                standing=standing,
                pending=pending,
                parted=read.parted,
            ),
            self._journal.changed(read.reached, ENTRIES),
        )
        return _Batch(read.reached, changes, ahead)

    async def _write(self, batch: _Batch, standing: Standing) -> None:
        changes = batch.changes
        if changes.steps or time.monotonic() - self._noted[1] > _NOTE_SECONDS:
            await self._store.write(changes.steps, provided=self._move(batch.position))
            self._noted = (batch.position, time.monotonic())
            standing.note(changes.after, changes.deleted)
        await self._arrive(batch.position)

    async def _look(self) -> None:
        """When nothing is left to do: the graph itself shall say how far it is, and be the one that was taken up."""
        if self._noted[0] < self._position:
            await self._store.write((), provided=self._move(self._position))
            self._noted = (self._position, time.monotonic())
        elif await self._store.read(STAND, {}) != [self._stand()]:
            raise GraphUnavailable("another graph stands where ours did")

    def _stand(self) -> dict[str, object]:
        return {
            "position": self._noted[0],
            "epoch": self._journal.epoch,
            "generation": self._generation,
            "precedence": self._precedence,
        }

    def _move(self, position: int) -> Step:
        return MOVE, {**self._stand(), "before": self._noted[0], "position": position}

    async def _arrive(self, position: int) -> None:
        async with self._moved:
            self._position = position
            self._moved.notify_all()

    async def _take_up(self) -> Standing:
        stands = await self._store.read(STAND, {})
        chosen_alike = bool(stands) and stands[0]["precedence"] == self._precedence
        if chosen_alike and stands[0]["epoch"] == self._journal.epoch:
            position = cast("int", stands[0]["position"])
            if position <= self._journal.head:
                self._generation = cast("int", stands[0]["generation"])
                self._noted = (position, time.monotonic())
                standing = await Standing.of(self._store)
                await self._arrive(position)
                return standing
        self._position = 0  # who knows what it shows
        return await self._rebuild(None)

    async def _rebuild_as_asked(self) -> Standing:
        done, progress = self._asked[0]
        try:
            standing = await self._rebuild(progress)
        except GraphUnavailable:
            raise  # it stays asked for
        except (Internal, DeadlineExceeded) as error:
            self._asked.pop(0)
            if not done.done():
                done.set_exception(error)
            raise
        self._asked.pop(0)
        if not done.done():
            done.set_result(self._rebuilt)
        return standing

    async def _rebuild(self, progress: Progress | None) -> Standing:
        [last] = await self._store.read(LAST, {})
        generation = 1 + max(cast("int", number) for number in last.values())
        position = self._journal.head
        self._rebuilt = await rebuild(self._journal, self._store, self._planner, generation, progress)
        self._generation = generation
        self._noted = (position, time.monotonic())
        await self._store.write([(BEGIN, self._stand())])
        standing = await Standing.of(self._store)
        await self._arrive(position)
        return standing
