"""PostgreSQL lost in the middle of a COMMIT: what went through is told as stored, and nothing is stored twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.contract import DeadLetter, Raw, Signal
from hub.errors import StorageFull
from hub.journal.records import Draft, SignalEntry
from tests.journal.conftest import START, Journals
from tests.servers.process import free_port

LETTER = DeadLetter(raw=Raw(key="t", received_at=START, data=b"rubbish"), reason="not JSON")


class Wire:
    """The network between the hub and its PostgreSQL; cut at the next COMMIT, before it arrives or after."""

    def __init__(self, server: int) -> None:
        self.port = free_port()
        self.cut: str | None = None
        self.cuts = 0
        self._server = server

    @asynccontextmanager
    async def laid(self) -> AsyncIterator["Wire"]:
        async with await asyncio.start_server(self._join, "127.0.0.1", self.port):
            yield self

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, there = await asyncio.open_connection("127.0.0.1", self._server)
        answers = asyncio.create_task(_carry(theirs, writer))
        try:
            while data := await reader.read(65536):
                if b"COMMIT" in data and self.cut is not None:
                    self.cuts += 1
                    when, self.cut = self.cut, None
                    answers.cancel()
                    if when == "after":
                        there.write(data)
                        await theirs.read(65536)
                    break
                there.write(data)
        finally:
            answers.cancel()
            there.close()
            writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@pytest.mark.parametrize("cut", ["before", "after"])
@pytest.mark.parametrize("of", ["letters", "signals"])
def test_a_commit_without_an_answer_is_stored_once(on_postgres: Journals, cut: str, of: str) -> None:
    host, _, name = on_postgres.config.url.rpartition("@")[2].partition("/")
    port = int(host.rpartition(":")[2])
    draft = (
        Draft(source="a", received_at=START, dead_letters=[LETTER])
        if of == "letters"
        else Draft(source="a", received_at=START, signals=[Signal(type="tamper", subject="x", at=START)])
    )

    async def main() -> None:
        async with Wire(port).laid() as wire:
            url = f"postgresql://postgres@127.0.0.1:{wire.port}/{name}"
            async with on_postgres.open(url=url) as journal:
                wire.cut = cut
                try:
                    await journal.append(draft)
                except StorageFull as lost:
                    assert cut == "before"
                    assert "PostgreSQL" in lost.message
                    assert "full" not in lost.message and "space" not in lost.message
                    await journal.append(draft)
                else:
                    assert cut == "after"
                assert wire.cuts == 1
                assert journal.failing is None
                assert len(await journal.dead_letters()) == (of == "letters")
                signals = [entry for entry in await journal.read(0) if isinstance(entry, SignalEntry)]
                assert len(signals) == (of == "signals")
                await journal.append(Draft(source="b", received_at=START, dead_letters=[LETTER]))
                await journal.verify_chain()

    asyncio.run(main())
