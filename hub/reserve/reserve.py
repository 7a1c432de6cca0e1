"""The reserve: stock and duty followed from the log, and what is nearest of them, with the graph up or down."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from hub.clock import Clock
from hub.errors import CausewayError, DeadlineExceeded
from hub.journal.log import Journal
from hub.journal.records import HUB, Checkpoint, Draft
from hub.reserve.distances import By, Distances, Mode, Pace
from hub.reserve.nearest import CameraPick, Nearest, People, Sight, Supplies
from hub.reserve.stock import Stock
from hub.telemetry import logger
from hub.topology import Topology

CONSUMER = "reserve.stock"
_log = logger(__name__)
_PAGE = 1000
_IDLE_SECONDS = 30.0
_KEEP_EVERY = timedelta(minutes=5)
_ENTRIES = 2000  # read since the state was kept, before it is kept again: a restart reads them anew
_PATIENCE = 2.0  # seconds that a question waits for the log to be read
_LOOK = 0.01  # seconds between two looks at how far the places are
_BACK_OFF = 5.0  # seconds after a failure


class Places(Protocol):
    """Who folds the places: the topology, and the position in the log at which it stands."""

    @property
    def topology(self) -> Topology: ...
    @property
    def position(self) -> int: ...


class Reserve:
    """`run` follows the log, until it is cancelled; questions may be asked meanwhile."""

    def __init__(
        self, journal: Journal, places: Places, clock: Clock, *, precedence: Mapping[str, int], pace: Pace
    ) -> None:
        self._journal = journal
        self.places = places
        self._clock = clock
        self._precedence = precedence
        self._nearest = Nearest(Distances(pace))
        self._begun = journal.head
        self._moved = asyncio.Event()
        self._unkept = 0  # entries since the state was kept
        self._kept_at = clock()
        self.stock = Stock(precedence)
        self.position = 0

    @property
    def topology(self) -> Topology:
        return self.places.topology

    @property
    def moves(self) -> asyncio.Event:
        """Is set when more of the log has been read than now."""
        return self._moved

    async def run(self) -> None:
        """Whatever fails in reading or keeping, it takes up its kept state and tries again."""
        while True:
            try:
                await self.take_up()
                while True:
                    await self.step()
            except CausewayError as error:
                _log.warning("reserve.failed", position=self.position, reason=error.message)
                await asyncio.sleep(_BACK_OFF)

    async def take_up(self) -> None:
        position, state = await self._journal.checkpoint(CONSUMER)
        stock = Stock(self._precedence)
        if state is None:
            position = 0
        else:
            try:
                stock.load(state)
            except ValueError:  # of another version: the log tells all of it
                position = 0
        self.stock, self.position = stock, position

    async def step(self) -> None:
        """Reads on; at the head it keeps the state where that is due, and waits."""
        reached, entries = await self._journal.records(self.position, _PAGE)
        for entry in entries:
            self.stock.apply(entry)
        self._unkept += len(entries)
        if reached > self.position:
            self.position = reached
            self._moved.set()
            self._moved = asyncio.Event()
            return
        if self._unkept >= _ENTRIES and self._clock() - self._kept_at >= _KEEP_EVERY:
            await self.keep()
        await self._journal.wait(self.position, _IDLE_SECONDS)

    async def keep(self) -> None:
        """Stores the stock with the position that it belongs to."""
        now = self._clock()
        self.stock.sweep(now)
        position, frozen = self.position, self.stock.freeze()
        state = await asyncio.to_thread(frozen)  # megabytes: the loop is not held by them
        checkpoint = Checkpoint(consumer=CONSUMER, position=position, state=state)
        await self._journal.append(Draft(source=HUB, received_at=now, checkpoint=checkpoint))
        self._unkept, self._kept_at = 0, now

    # ---- questions

    async def supplies(self, sight: Sight, place: str, item: str, quantity: float, *, by: By, mode: Mode) -> Supplies:
        """Raises NotFound, BadRequest; DeadlineExceeded while the log is being read after a start."""
        await self._ready()
        return self._nearest.supplies(self, place, item, quantity, self._clock(), by=by, mode=mode, sight=sight)

    async def people(self, sight: Sight, place: str, skill: str, count: int, *, by: By, mode: Mode) -> People:
        """Raises as `supplies`."""
        await self._ready()
        return self._nearest.people(self, place, skill, count, self._clock(), by=by, mode=mode, sight=sight)

    async def cameras(self, sight: Sight, place: str, first: int) -> tuple[CameraPick, ...]:
        """Raises as `supplies`."""
        await self._ready()
        return self._nearest.cameras(self, place, first, sight=sight)

    def walk(self, start: str, end: str) -> float | None:
        """The metres on foot from one place to the other, as far as the log is read; None where no open way leads."""
        way = self._nearest.distances.of(self.topology, start, Mode.WALKING).to(end)
        return None if way is None else way.metres

    async def reached(self, seq: int, seconds: float) -> bool:
        """Whether places and stock are as of `seq` or later; waits for it at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._pass(seq)
        except TimeoutError:
            return False
        return True

    async def _pass(self, seq: int) -> None:
        while min(self.position, self.places.position) < seq:
            if self.position < seq:
                await self._moved.wait()
            else:
                await asyncio.sleep(_LOOK)

    async def _ready(self) -> None:
        """Past what the log held at the start: until then an answer would lack what is there."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._pass(self._begun)
        except TimeoutError:
            behind = self._begun - min(self.position, self.places.position)
            raise DeadlineExceeded(
                f"the hub has just started and is reading the log, {behind} entries remain: ask again in a moment"
            ) from None
