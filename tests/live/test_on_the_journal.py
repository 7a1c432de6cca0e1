"""The feed on a real journal: a cursor outlives the process, and what is committed while nobody listens is told."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.errors import CursorGone
from hub.journal.cursors import FeedCursor
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import HUB, Draft, NewEvent
from hub.live.feed import Feed
from tests.live.test_feed import take

AT = datetime(2026, 3, 1, tzinfo=UTC)


async def _open_alert(journal: Journal, name: str) -> int:
    alert = {"id": name, "subject": {"id": "s", "kind": "SENSOR", "name": None}, "path": []}
    event = NewEvent(
        type="alert.opened", version=2, stream=f"alert:{name}", expected=0, data={"alert": alert}, actor="hub"
    )
    return (await journal.append(Draft(source=HUB, received_at=AT, events=(event,)))).seq


def test_a_cursor_from_before_a_restart_goes_on_where_it_stood(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = JournalConfig(url="sqlite", folder=tmp_path)
        journal = await Journal.open(config)
        feed = Feed(journal)
        reader = asyncio.create_task(feed.run())
        stream = feed.alerts(None)
        names = [f"a{number}" for number in range(20)]
        for name in names[:10]:
            await _open_alert(journal, name)
        heard = await take(stream, 6)
        await stream.aclose()
        reader.cancel()
        await journal.close()

        journal = await Journal.open(config)
        feed = Feed(journal)
        reader = asyncio.create_task(feed.run())
        resumed = feed.alerts(heard[-1].cursor)
        (first,) = await take(resumed, 1)
        for name in names[10:]:
            await _open_alert(journal, name)
        told = [*heard, first, *await take(resumed, 13)]
        assert [fact.alert["alert"]["id"] for fact in told] == names  # type: ignore[index]
        with pytest.raises(CursorGone):
            feed.alerts(FeedCursor(epoch=journal.epoch, seq=journal.head + 1).encode())
        await resumed.aclose()
        reader.cancel()
        await journal.close()

    asyncio.run(scenario())


def test_many_subscribers_and_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal = await Journal.open(JournalConfig(url="sqlite", folder=tmp_path))
        feed = Feed(journal, page=7)
        reader = asyncio.create_task(feed.run())
        begin = FeedCursor(epoch=journal.epoch, seq=journal.head).encode()

        async def write(writer: int) -> list[int]:
            return [await _open_alert(journal, f"{writer}-{number}") for number in range(25)]

        async def follow(late: float) -> list[int]:
            await asyncio.sleep(late)
            stream = feed.alerts(begin)
            heard = [fact.seq for fact in await take(stream, 100)]
            await stream.aclose()
            return heard

        heard = asyncio.gather(*(follow(number / 200) for number in range(8)))
        written = sorted(seq for seqs in await asyncio.gather(*map(write, range(4))) for seq in seqs)
        assert await heard == [written] * 8
        reader.cancel()
        await journal.close()

    asyncio.run(scenario())
