"""The log's young end: the entries that were just committed, kept in memory, and who waits for more.

Everything here runs on the event loop's thread. The ring holds an unbroken stretch of the log that ends at the
head, bounded by bytes; the oldest entries leave it first, and readers that are further behind go to the database.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence

from hub.journal.records import ClaimEntry, Entry, EventEntry, ReadingsEntry, SignalEntry

_ROW_BYTES = 200  # a reading as Python keeps it
_ENTRY_BYTES = 3000


def _bytes(entry: Entry) -> int:
    if isinstance(entry, ReadingsEntry):
        return 300 + _ROW_BYTES * len(entry.rows)
    match entry:
        case ClaimEntry():
            return _ENTRY_BYTES + 200 * (len(entry.claim.values) + len(entry.claim.links))
        case SignalEntry():
            return _ENTRY_BYTES
        case EventEntry():
            return _ENTRY_BYTES + 100 * len(entry.data)


def _readings_alone(entries: Sequence[Entry]) -> bool:
    return bool(entries) and all(isinstance(entry, ReadingsEntry) for entry in entries)


class Tail:
    def __init__(self, head: int, ring_bytes: int) -> None:
        self.head = head
        self.said = head  # the last that is more than readings, or may be
        self._bound = ring_bytes
        self._entries: list[Entry] = []
        self._seqs: list[int] = []
        self._start = head  # the ring holds all that is above this number
        self._bytes = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def extend(self, began_at: int, head: int, entries: Sequence[Entry]) -> None:
        """What one commit appended; `began_at` is the head that it found."""
        if began_at != self.head or (head > began_at and not _readings_alone(entries)):
            self.said = head
        if began_at != self.head:  # somebody else wrote in between: the ring would have a gap
            self._clear(began_at)
        for entry in entries:
            self._entries.append(entry)
            self._seqs.append(entry.seq)
            self._bytes += _bytes(entry)
        left = 0
        while self._bytes > self._bound and left < len(self._entries):
            oldest = self._entries[left]
            self._bytes -= _bytes(oldest)
            self._start = oldest.seq
            left += 1
        del self._entries[:left], self._seqs[:left]
        self.advance(head)

    def advance(self, head: int) -> None:
        """The log reached `head`: whoever waits looks for itself."""
        if head > self.head:
            self.head = head
            for waiting in self._waiting:
                if not waiting.done():
                    waiting.set_result(None)

    def reached(self, head: int) -> None:
        """The same, where another process says it and nothing of it is here."""
        if head > self.head:
            self.said = head
            self._clear(head)
            self.advance(head)

    def recent(self, after: int, limit: int) -> Sequence[Entry] | None:
        """Up to `limit` entries above `after`; None where the ring does not go back so far."""
        if after < self._start:
            return None
        begin = bisect_right(self._seqs, after)
        return self._entries[begin : begin + limit]

    async def wait(self, after: int, seconds: float) -> int:
        deadline = asyncio.get_running_loop().time() + seconds
        while self.head <= after:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(waiting)
            try:
                async with asyncio.timeout(left):
                    await waiting
            except TimeoutError:
                break
            finally:
                self._waiting.discard(waiting)
        return self.head

    def _clear(self, start: int) -> None:
        self._entries.clear()
        self._seqs.clear()
        self._bytes = 0
        self._start = start
