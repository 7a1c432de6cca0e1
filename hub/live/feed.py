"""The live feed: alerts as the log tells them, from any position, to any number of subscribers.

One reader follows the log for all who stand at its head; who is behind reads for itself and joins where the
two meet. Joining and publishing happen between two awaits of one event loop, so nothing falls between them.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.errors import CursorGone, TooSlow
from hub.journal.cursors import FeedCursor
from hub.journal.log import Journal
from hub.journal.records import EventEntry

ALERT_EVENTS = frozenset({"alert.opened", "alert.acknowledged", "alert.returned", "alert.closed"})

_IDLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFact:
    """One event of an alert; `alert` is the snapshot that the event carries, and `cursor` resumes after it."""

    cursor: str
    seq: int
    type: str
    recorded_at: datetime
    alert: Mapping[str, object]


class _Subscriber:
    """One who has caught up: its bounded queue, and the position up to which it was told everything."""

    __slots__ = ("left_behind", "position", "queue", "released")

    def __init__(self, position: int, bound: int) -> None:
        self.position = position
        self.queue: asyncio.Queue[AlertFact | None] = asyncio.Queue(bound)
        self.left_behind = False  # its queue was full: it is told nothing more
        self.released = False  # the shared reader ended: it reads for itself again

    def offer(self, facts: Sequence[AlertFact], position: int) -> bool:
        for fact in facts:
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

    async def next(self) -> AlertFact | None:
        """The next fact, or None where the queue is drained and nothing more will come into it."""
        if self.queue.empty() and (self.left_behind or self.released):
            return None
        return await self.queue.get()


class Feed:
    """`run` is the shared reader, a task of the hub's; `alerts` may be called before it runs, and while it does not."""

    def __init__(self, journal: Journal, *, bound: int = 1024, page: int = 1000) -> None:
        self._journal = journal
        self._bound = bound
        self._page = page
        self._tail: int | None = None  # the shared reader's position; None while there is none
        self._joined: set[_Subscriber] = set()
        self._following = 0

    @property
    def subscribers(self) -> int:
        return self._following

    async def run(self) -> None:
        """Reads the log for all subscribers at its head, until it is cancelled."""
        tail = self._tail = self._journal.head
        try:
            while True:
                await self._journal.wait(tail, _IDLE_SECONDS)
                tail, facts = await self._read(tail)
                self._tail = tail
                for subscriber in tuple(self._joined):
                    if not subscriber.offer(facts, tail):
                        self._joined.discard(subscriber)
        finally:
            self._tail = None
            for subscriber in self._joined:
                subscriber.release()
            self._joined.clear()

    def alerts(self, after: str | None) -> AsyncGenerator[AlertFact, None]:
        """What happens to alerts after the cursor `after`, or from now on; each exactly once, in the log's order.

        Raises CursorGone here, and TooSlow while iterating, where the subscriber did not keep up.
        """
        return self._follow(self._journal.head if after is None else self._position(after))

    def _position(self, after: str) -> int:
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

    async def _follow(self, position: int) -> AsyncGenerator[AlertFact, None]:
        self._following += 1
        try:
            while True:
                if self._tail is not None and position >= self._tail:
                    subscriber = _Subscriber(position, self._bound)
                    self._joined.add(subscriber)  # no await since the comparison: the reader cannot have moved
                    try:
                        while (fact := await subscriber.next()) is not None:
                            yield fact
                    finally:
                        self._joined.discard(subscriber)
                    if subscriber.left_behind:
                        raise TooSlow(
                            "You read more slowly than alerts arrive, and this stream has ended. "
                            "Subscribe again with `after` set to the last cursor that you received: nothing is lost."
                        )
                    position = subscriber.position
                    continue
                reached, facts = await self._read(position)
                for fact in facts:
                    yield fact
                if reached == position:  # at the head while the shared reader does not run
                    await self._journal.wait(position, 1.0)
                position = reached
        finally:
            self._following -= 1

    async def _read(self, after: int) -> tuple[int, Sequence[AlertFact]]:
        """A page of the log: the position that it reaches, and its alerts."""
        reached, entries = await self._journal.records(after, self._page)
        return reached, [
            self._fact(entry) for entry in entries if isinstance(entry, EventEntry) and entry.type in ALERT_EVENTS
        ]

    def _fact(self, entry: EventEntry) -> AlertFact:
        return AlertFact(
            cursor=FeedCursor(epoch=self._journal.epoch, seq=entry.seq).encode(),
            seq=entry.seq,
            type=entry.type,
            recorded_at=entry.recorded_at,
            alert=entry.data,
        )
