"""The feed as a subscriber meets it: nothing lost, nothing twice, whatever happens at the seam."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import CursorGone, TooSlow
from hub.journal.cursors import FeedCursor
from hub.journal.records import Entry, EventEntry, ReadingsEntry
from hub.live.facts import AlertFact
from hub.live.feed import Feed

AT = datetime(2026, 3, 1, tzinfo=UTC)


class MemoryLog:
    """A journal of what the feed asks of one; each answer comes after as many turns of the loop as chance says."""

    def __init__(self, chance: random.Random | None = None, epoch: str = "e1") -> None:
        self.epoch = epoch
        self.head = 0
        self._entries: list[Entry] = []
        self._grown = asyncio.Condition()
        self._chance = chance

    async def _pause(self) -> None:
        for _ in range(self._chance.randrange(4) if self._chance else 1):
            await asyncio.sleep(0)

    async def append(self, kind: str) -> int:
        """One batch: its number, and an entry in it, unless `kind` is `nothing`."""
        await self._pause()
        async with self._grown:
            if kind == "nothing":
                self.head += 1
            elif kind == "readings":
                self.head += 1
                self._entries.append(ReadingsEntry(seq=self.head, recorded_at=AT, source="s", rows=()))
            else:
                self.head += 2
                self._entries.append(
                    EventEntry(
                        seq=self.head,
                        batch=self.head - 1,
                        recorded_at=AT,
                        type=kind,
                        version=1,
                        stream="alert:a",
                        stream_version=1,
                        data={"n": self.head},
                        actor="hub",
                        reason=None,
                        cause=None,
                    )
                )
            self._grown.notify_all()
            return self.head

    async def records(self, after: int, limit: int = 1000) -> tuple[int, Sequence[Entry]]:
        await self._pause()
        head = self.head
        found = [entry for entry in self._entries if entry.seq > after][:limit]
        await self._pause()
        reached = found[-1].seq if found else max(after, head)
        return reached, [entry for entry in found if not isinstance(entry, ReadingsEntry)]

    async def wait(self, after: int, seconds: float) -> int:
        try:
            async with asyncio.timeout(seconds), self._grown:
                await self._grown.wait_for(lambda: self.head > after)
        except TimeoutError:
            pass
        await self._pause()
        return self.head

    def alerts_after(self, seq: int) -> list[int]:
        return [
            e.seq for e in self._entries if e.seq > seq and isinstance(e, EventEntry) and e.type.startswith("alert.")
        ]


async def take(stream: AsyncGenerator[AlertFact, None], count: int) -> list[AlertFact]:
    async with asyncio.timeout(10):
        return [await anext(stream) for _ in range(count)]


KINDS = ("alert.opened", "alert.closed", "alert.opened", "timer.fired", "readings", "nothing")


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), page=st.integers(1, 5), haste=st.sampled_from([0.3, 0.8]))
def test_each_subscriber_hears_each_alert_once_and_in_order(seed: int, page: int, haste: float) -> None:
    """Subscribers come at any moment from any position, with the shared reader there, not yet there, or gone."""

    async def scenario() -> None:
        chance = random.Random(seed)
        log = MemoryLog(chance)
        feed = Feed(log, page=page)  # type: ignore[arg-type]
        reader: asyncio.Task[None] | None = None
        subscribers: list[tuple[int, list[int], asyncio.Task[None]]] = []

        async def listen(stream: AsyncGenerator[AlertFact, None], heard: list[int]) -> None:
            async for fact in stream:
                heard.append(fact.seq)
                for _ in range(chance.randrange(3)):
                    await asyncio.sleep(0)

        def subscribe() -> None:
            position = chance.randint(max(0, log.head - 6), log.head)
            heard: list[int] = []
            now = position == log.head and chance.random() < 0.5
            cursor = None if now else FeedCursor(epoch=log.epoch, seq=position).encode()
            subscribers.append((position, heard, asyncio.create_task(listen(feed.alerts(cursor), heard))))

        for _ in range(40):
            act = chance.random()
            if act < 0.15:
                subscribe()
            elif act < 0.25:
                if reader is None:
                    reader = asyncio.create_task(feed.run())
                elif chance.random() < 0.3:
                    reader.cancel()
                    await asyncio.gather(reader, return_exceptions=True)
                    reader = None
            else:
                await log.append(chance.choice(KINDS))
            if chance.random() > haste:
                for _ in range(chance.randrange(12)):
                    await asyncio.sleep(0)
        reader = reader or asyncio.create_task(feed.run())
        for _ in range(2000):
            if all(len(heard) >= len(log.alerts_after(position)) for position, heard, _ in subscribers):
                break
            await asyncio.sleep(0)
        for _ in range(30):  # anything told twice would come now
            await asyncio.sleep(0)
        told = [(position, list(heard)) for position, heard, _ in subscribers]
        for task in (reader, *(task for _, _, task in subscribers)):
            task.cancel()
        await asyncio.gather(reader, *(task for _, _, task in subscribers), return_exceptions=True)
        for position, heard in told:
            assert heard == log.alerts_after(position)

    asyncio.run(scenario())


def test_without_a_cursor_only_what_comes_is_told_and_its_cursor_resumes_in_another_process() -> None:
    async def scenario() -> None:
        log = MemoryLog()
        await log.append("alert.opened")
        first, again = Feed(log), Feed(log)  # type: ignore[arg-type]  # `again`: the hub after its restart
        stream = first.alerts(None)
        second = await log.append("alert.acknowledged")
        third = await log.append("alert.closed")
        (fact,) = await take(stream, 1)
        assert (fact.seq, fact.type, fact.alert) == (second, "alert.acknowledged", {"n": second})
        await stream.aclose()
        (resumed,) = await take(again.alerts(fact.cursor), 1)
        assert resumed.seq == third

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "cursor",
    [
        FeedCursor(epoch="e0", seq=1).encode(),
        FeedCursor(epoch="e1", seq=10_000).encode(),
        "nonsense",
        "",
        "émile",
        "a" * 10_000,
    ],
)
def test_a_cursor_that_cannot_be_resumed_from_is_gone(cursor: str) -> None:
    async def scenario() -> None:
        log = MemoryLog()
        await log.append("alert.opened")
        with pytest.raises(CursorGone):
            Feed(log).alerts(cursor)  # type: ignore[arg-type]

    asyncio.run(scenario())


def test_a_slow_subscriber_is_told_to_resume_loses_nothing_and_no_one_else_notices() -> None:
    async def scenario() -> None:
        log = MemoryLog()
        feed = Feed(log, bound=4)  # type: ignore[arg-type]
        reader = asyncio.create_task(feed.run())
        await asyncio.sleep(0)
        slow, quick = feed.alerts(None), feed.alerts(None)
        told = await log.append("alert.opened")
        slow_heard = [fact.seq for fact in await take(slow, 1)]
        quick_heard = [fact.seq for fact in await take(quick, 1)]
        assert slow_heard == quick_heard == [told]
        for _ in range(12):
            await log.append("alert.opened")
            quick_heard += [fact.seq for fact in await take(quick, 1)]
        last = ""
        with pytest.raises(TooSlow, match="after"):
            async for fact in slow:
                slow_heard.append(fact.seq)
                last = fact.cursor
        assert len(slow_heard) < len(quick_heard)
        resumed = await take(feed.alerts(last), len(quick_heard) - len(slow_heard))
        assert slow_heard + [fact.seq for fact in resumed] == quick_heard == log.alerts_after(0)
        reader.cancel()

    asyncio.run(scenario())
