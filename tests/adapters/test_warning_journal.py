"""Warnings in a real journal: what has not changed is not stored again, and an ending leaves the words as they were."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from adapters.contract import Source
from adapters.counterpart import closing
from adapters.government.cap import ADAPTER, CapConfig
from hub.ingest.intake import Intake
from hub.ingest.source import SourceSpec
from hub.journal.log import Journal
from tests.adapters.cap_server import entry, feed, message
from tests.ingest.scripted import journal
from tests.servers.pages import Pages


def recorded(folder: Path, server: Pages, *steps: Callable[[], object]) -> list[int]:
    """The log's head after one poll of each step; each poll is of an adapter that was opened anew."""
    config = CapConfig(url=f"{server.url}/feed", timeout_seconds=2.0)
    spec = SourceSpec(id="warnings", definition=ADAPTER, config=config)

    async def poll(log: Journal) -> int:
        cursor = await log.cursor("warnings")
        adapter = ADAPTER.factory(Source(id="warnings"), config)
        async with adapter, closing(adapter.read(cursor)) as batches:
            async for batch in batches:
                accepted = await Intake(log, {}).accept(spec, batch)
                assert not accepted.draft.dead_letters, accepted.draft.dead_letters
                await log.append(accepted.draft)
        return log.head

    async def run() -> list[int]:
        heads: list[int] = []
        async with journal(folder) as log:
            for step in steps:
                step()
                heads.append(await poll(log))
        return heads

    return asyncio.run(run())


def test_a_warning_that_has_not_changed_is_stored_once_and_its_end_is(tmp_path: Path) -> None:
    server = Pages()
    server.start()
    first = entry("a", content=message("a"))
    cancel = message("b", msgType="Cancel", references="test@example.org,a,2026-07-01T14:00:00+08:00")
    try:
        heads = recorded(
            tmp_path,
            server,
            lambda: server.put("/feed", feed([first])),
            lambda: None,
            lambda: server.put("/feed", feed([entry("b", content=cancel), first])),
            lambda: None,
            lambda: server.put("/feed", feed([first])),
        )
    finally:
        server.stop()
    assert heads[0] < heads[2]
    assert heads[0] == heads[1] and heads[2] == heads[3] == heads[4], heads
