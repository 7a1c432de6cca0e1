"""Each kind of the feed on a real journal: its own entries, all of them, once, in order, also across a restart."""

import asyncio
import random
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.contract import Claim, Link
from hub.errors import CursorGone
from hub.journal.cursors import FeedCursor
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import HUB, Draft, NewEvent
from hub.live.facts import Fact, LotFact, SourceFact, WarningFact
from hub.live.feed import Feed

AT = datetime(2026, 3, 1, tzinfo=UTC)
KINDS = ("alerts", "warnings", "sources", "lots")


async def happen(journal: Journal, kind: str, number: int) -> int:
    """Something of the kind; the number of the entry that tells of it."""
    if kind in ("warnings", "lots"):
        one = Claim(
            kind="Warning" if kind == "warnings" else "SupplyLot",
            external_id=f"{kind}-{number % 5}",
            values={"identifier": f"w-{number}"} if kind == "warnings" else {"quantity": float(number)},
            links=() if kind == "warnings" else (Link(relation="STORED_IN", target="b1"),),
        )
        return (await journal.append(Draft(source="s", received_at=AT, claims=[one]))).seq
    if kind == "sources":
        type_, data = "source.unavailable", {"source": "s", "reason": f"{number}"}
        event = NewEvent(type=type_, version=1, stream=f"source:{number}", expected=0, data=data, actor=HUB)
    else:
        snapshot = {"id": f"{number}"}
        event = NewEvent(
            type="alert.opened", version=2, stream=f"alert:{number}", expected=0, data={"alert": snapshot}, actor=HUB
        )
    return (await journal.append(Draft(source=HUB, received_at=AT, events=[event]))).seq


def streams(feed: Feed, after: dict[str, str | None]) -> dict[str, AsyncGenerator[Fact, None]]:
    return {
        "alerts": feed.alerts(after["alerts"]),
        "warnings": feed.warnings(after["warnings"]),
        "sources": feed.sources(after["sources"]),
        "lots": feed.lots(after["lots"]),
    }


async def take(stream: AsyncGenerator[Fact, None], count: int) -> list[Fact]:
    async with asyncio.timeout(20):
        return [await anext(stream) for _ in range(count)]


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_and_nothing_told_twice_across_a_restart(tmp_path: Path, seed: int) -> None:
    async def scenario() -> None:
        chance = random.Random(seed)
        config = JournalConfig(url="sqlite", folder=tmp_path)
        written: dict[str, list[int]] = {kind: [] for kind in KINDS}
        heard: dict[str, list[int]] = {kind: [] for kind in KINDS}
        journal = await Journal.open(config)
        begin = FeedCursor(epoch=journal.epoch, seq=journal.head).encode()
        cursors: dict[str, str | None] = dict.fromkeys(KINDS, begin)
        number = 0
        for opening in range(3):
            if opening:
                journal = await Journal.open(config)
            feed = Feed(journal, page=3)
            reader = asyncio.create_task(feed.run())
            followed = streams(feed, cursors)

            async def follow(kind: str, count: int, stream: AsyncGenerator[Fact, None]) -> None:
                for fact in await take(stream, count):
                    heard[kind].append(fact.seq)
                    cursors[kind] = fact.cursor

            behind = {kind: len(written[kind]) - len(heard[kind]) for kind in KINDS}
            coming = [chance.choice(KINDS) for _ in range(30)]
            tasks = [
                asyncio.create_task(follow(kind, chance.randint(0, behind[kind] + coming.count(kind)), followed[kind]))
                for kind in KINDS
            ]
            for kind in coming:
                number += 1
                written[kind].append(await happen(journal, kind, number))
                if chance.random() < 0.3:
                    await asyncio.sleep(0.001)
            await asyncio.gather(*tasks)
            for stream in followed.values():
                await stream.aclose()
            reader.cancel()
            await journal.close()
        journal = await Journal.open(config)
        for kind, stream in streams(Feed(journal), cursors).items():
            heard[kind] += [fact.seq for fact in await take(stream, len(written[kind]) - len(heard[kind]))]
            await stream.aclose()
        assert heard == written
        await journal.close()

    asyncio.run(scenario())


def test_what_each_kind_says(tmp_path: Path) -> None:
    async def scenario() -> None:
        journal = await Journal.open(JournalConfig(url="sqlite", folder=tmp_path))
        feed = Feed(journal)
        begin = FeedCursor(epoch=journal.epoch, seq=journal.head).encode()
        for number, kind in enumerate(KINDS):
            await happen(journal, kind, number)
        gone = [Claim(kind="Warning", external_id="warnings-1", gone=True)]
        await journal.append(Draft(source="s", received_at=AT, claims=gone))
        told = {kind: await take(stream, 1) for kind, stream in streams(feed, dict.fromkeys(KINDS, begin)).items()}
        (warning,), (source,), (lot,) = told["warnings"], told["sources"], told["lots"]
        assert isinstance(warning, WarningFact) and isinstance(source, SourceFact) and isinstance(lot, LotFact)
        assert (warning.type, warning.values["identifier"]) == ("warning.told", "w-1")
        assert (source.type, source.source, source.reason) == ("source.unavailable", "s", "2")
        assert (lot.values["quantity"], lot.source, lot.gone) == (3.0, "s", False)
        assert lot.place is not None
        (second,) = await take(feed.warnings(warning.cursor), 1)
        assert isinstance(second, WarningFact) and second.type == "warning.gone"
        ahead = FeedCursor(epoch=journal.epoch, seq=journal.head + 1).encode()
        for subscribe in (feed.warnings, feed.sources, feed.lots):
            with pytest.raises(CursorGone):
                subscribe(ahead)
            with pytest.raises(CursorGone):
                subscribe(FeedCursor(epoch="another", seq=1).encode())
        await journal.close()

    asyncio.run(scenario())
