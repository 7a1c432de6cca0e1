"""The live feed: what the log tells, kind by kind, from any position, to any number of subscribers.

One reader follows the log for all who stand at its head; who is behind reads for itself and joins where the
two meet. Joining and publishing happen between two awaits of one event loop, so nothing falls between them.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Generic, TypeVar

from hub.errors import CursorGone, TooSlow
from hub.journal.cursors import FeedCursor
from hub.journal.log import Journal
from hub.journal.records import Entry
from hub.live import facts
from hub.live.facts import AlertFact, BreakGlassFact, Fact, IncidentFact, LotFact, SourceFact, WarningFact

_IDLE_SECONDS = 30.0
F = TypeVar("F", bound=Fact)


class _Subscriber(Generic[F]):
    """One who has caught up: its bounded queue, and the position up to which it was told everything."""

    __slots__ = ("decode", "left_behind", "position", "queue", "released")

    def __init__(self, decode: Callable[[Entry, str], F | None], position: int, bound: int) -> None:
        self.decode = decode
        self.position = position
        self.queue: asyncio.Queue[F | None] = asyncio.Queue(bound)
        self.left_behind = False  # its queue was full: it is told nothing more
        self.released = False  # the shared reader ended: it reads for itself again

    def offer(self, told: Sequence[F], position: int) -> bool:
        for fact in told:
            if fact.seq <= self.position:
                continue
            if self.queue.full():
                self.left_behind = True
                return False
            self.queue.put_nowait(fact)
        self.position = max(self.position, position)
        return True

    def release(self) -> None:
        self.released = True
        if self.queue.empty():
            self.queue.put_nowait(None)  # wakes it

    async def next(self) -> F | None:
        """The next fact, or None where the queue is drained and nothing more will come into it."""
        if self.queue.empty() and (self.left_behind or self.released):
            return None
        return await self.queue.get()


class Feed:
    """`run` is the shared reader, a task of the hub's; one may subscribe before it runs, and while it does not.

    Each kind is told from after the cursor `after`, or from now on; each fact exactly once, in the log's order.
    Subscribing raises CursorGone, and iterating TooSlow, where the subscriber did not keep up.
    """

    def __init__(self, journal: Journal, *, bound: int = 1024, page: int = 1000) -> None:
        self._journal = journal
        self._bound = bound
        self._page = page
        self._tail: int | None = None  # the shared reader's position; None while there is none
        self._joined: set[_Subscriber[Any]] = set()
        self._following = 0

    @property
    def subscribers(self) -> int:
        return self._following

    def head(self) -> FeedCursor:
        """Where the log ends now: who begins after it hears all that is new."""
        return FeedCursor(epoch=self._journal.epoch, seq=self._journal.head)

    async def run(self) -> None:
        """Reads the log for all subscribers at its head, until it is cancelled."""
        tail = self._tail = self._journal.head
        try:
            while True:
                await self._journal.wait(tail, _IDLE_SECONDS)
                tail, entries = await self._journal.records(tail, self._page)
                self._tail = tail
                told: dict[Callable[[Entry, str], Fact | None], Sequence[Fact]] = {}
                for subscriber in tuple(self._joined):
                    if subscriber.decode not in told:  # once for all who follow the kind
                        told[subscriber.decode] = self._decoded(subscriber.decode, entries)
                    if not subscriber.offer(told[subscriber.decode], tail):
                        self._joined.discard(subscriber)
        finally:
            self._tail = None
            for subscriber in self._joined:
                subscriber.release()
            self._joined.clear()

    def alerts(self, after: str | None) -> AsyncGenerator[AlertFact, None]:
        """What happens to alerts."""
        return self._follow(facts.alert, self._position(after))

    def warnings(self, after: str | None) -> AsyncGenerator[WarningFact, None]:
        """What is said of official warnings."""
        return self._follow(facts.warning, self._position(after))

    def incidents(self, after: str | None) -> AsyncGenerator[IncidentFact, None]:
        """Which incidents are opened, and which closed."""
        return self._follow(facts.incident, self._position(after))

    def break_glasses(self, after: str | None) -> AsyncGenerator[BreakGlassFact, None]:
        """Who broke the glass, when that ended, what a review found."""
        return self._follow(facts.break_glass, self._position(after))

    def sources(self, after: str | None) -> AsyncGenerator[SourceFact, None]:
        """Which sources are lost, and which are back."""
        return self._follow(facts.source, self._position(after))

    def lots(self, after: str | None) -> AsyncGenerator[LotFact, None]:
        """What sources say of lots, each time that it is something new."""
        return self._follow(facts.lot, self._position(after))

    def _position(self, after: str | None) -> int:
        if after is None:
            return self._journal.head
        cursor = FeedCursor.decode(after)
        if cursor.epoch != self._journal.epoch:
            raise CursorGone(
                "This cursor belongs to an earlier epoch of the journal, before a restore. "
                "Read the list anew and subscribe from its readAt."
            )
        if cursor.seq > self._journal.head:
            raise CursorGone(
                "This cursor is past the end of the journal. Read the list anew and subscribe from its readAt."
            )
        return cursor.seq

    async def _follow(self, decode: Callable[[Entry, str], F | None], position: int) -> AsyncGenerator[F, None]:
        self._following += 1
        try:
            while True:
                if self._tail is not None and position >= self._tail:
                    subscriber = _Subscriber(decode, position, self._bound)
                    self._joined.add(subscriber)  # no await since the comparison: the reader cannot have moved
                    try:
                        while (fact := await subscriber.next()) is not None:
                            yield fact
                    finally:
                        self._joined.discard(subscriber)
                    if subscriber.left_behind:
                        raise TooSlow(
                            "You read more slowly than the log grows, and this stream has ended. "
                            "Subscribe again with `after` set to the last cursor that you received: nothing is lost."
                        )
                    position = subscriber.position
                    continue
                reached, entries = await self._journal.records(position, self._page)
                for fact in self._decoded(decode, entries):
                    yield fact
                if reached == position:  # at the head while the shared reader does not run
                    await self._journal.wait(position, 1.0)
                position = reached
        finally:
            self._following -= 1

    def _decoded(self, decode: Callable[[Entry, str], F | None], entries: Sequence[Entry]) -> Sequence[F]:
        epoch = self._journal.epoch
        return [fact for entry in entries if (fact := decode(entry, epoch)) is not None]
