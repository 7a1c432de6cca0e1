"""What the journal cannot store costs a dead letter each: the rest of its batch is stored, and the source lives."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from adapters.contract import HealthState, Raw, Reading, Record, Signal
from hub.errors import BadRequest
from hub.ingest.replay import replay
from hub.ingest.supervisor import Supervisor
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import Appended, Draft, SignalEntry
from hub.journal.sealing import Keyring, KeyringConfig
from tests.ingest.scripted import QUANTITIES, Script, Scripted, journal, running, spec_of, until, values
from tests.servers.postgres import Postgres

HALF = "half \ud800"
NUL = "nul \0"


class Wary:
    """The journal, with a series whose rows it refuses."""

    def __init__(self, log: Journal, refused: float) -> None:
        self._log = log
        self._refused = refused

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    async def append(self, draft: Draft) -> Appended:
        if any(row.value == self._refused for row in draft.readings):
            raise BadRequest("the journal cannot store this")
        return await self._log.append(draft)


def with_journal(folder: Path, play: Callable[[Journal], Awaitable[None]]) -> None:
    async def run() -> None:
        async with journal(folder) as log:
            await play(log)

    asyncio.run(run())


async def refuses_one_thing(log: Journal, bad: str) -> None:
    script = Script(things=["a", bad, "c"])
    async with running(log, spec_of(script)) as supervisor:
        script.say("a 20", "a 21")
        await until(lambda: len(script.acknowledged) == 2, "the stream goes on")

        async def kept() -> bool:
            return bool(await log.dead_letters("scripted"))

        await until(kept, "a dead letter")
        await until(lambda: says(supervisor, "the journal refuses it"), "the health's text")
    assert set(await log.live_claims("scripted")) == {"a", "c"}
    (letter,) = await log.dead_letters("scripted")
    assert letter.key == "record:claim"
    assert letter.data is not None and bad[:3].encode() in letter.data
    again = await replay(log, QUANTITIES, spec_of(script), letter)
    assert again.reason, "it is told why it still cannot be stored"
    assert await values(log) == [20, 21]
    assert script.entered == 1


def says(supervisor: Supervisor, text: str) -> bool:
    status = supervisor.statuses()[0]
    return status.state is not HealthState.OK and text in status.text


def test_a_thing_that_cannot_be_stored_is_kept_apart(tmp_path: Path) -> None:
    with_journal(tmp_path, lambda log: refuses_one_thing(log, HALF))


def test_a_nul_that_postgresql_refuses_is_kept_apart(tmp_path: Path, postgres: Postgres) -> None:
    async def run() -> None:
        keyring = Keyring.open(KeyringConfig(store=tmp_path / "keys.db", park_key=tmp_path / "park.key"))
        log = await Journal.open(JournalConfig(url=postgres.new_database(), folder=tmp_path / "state", keyring=keyring))
        try:
            await refuses_one_thing(log, NUL)
        finally:
            await log.close()
            keyring.close()

    asyncio.run(run())


class Odd(Scripted):
    """Of things that the test names; a reading's value is its message's length."""

    def decode(self, raw: Raw) -> Sequence[Record]:
        if raw.data == b"signal":
            return [Signal(type="tamper", subject="a"), Signal(type="tamper", subject=HALF)]
        return [Reading(HALF if raw.data == b"odd" else "a", "temperature", float(len(raw.data)), "Cel")]


@pytest.mark.parametrize("message", ["odd", "signal"])
def test_a_name_that_cannot_be_stored_spares_its_batch(tmp_path: Path, message: str) -> None:
    async def play(log: Journal) -> None:
        script = Script()
        async with running(log, spec_of(script, made=Odd)):
            script.say("first", message, "the last one")
            await until(lambda: len(script.acknowledged) == 3, "all acknowledged")
        assert await values(log) == [5, 12]
        (letter,) = await log.dead_letters("scripted")
        assert "half a character" in letter.reason
        signals = [entry for entry in await log.read(0) if isinstance(entry, SignalEntry)]
        assert len(signals) == (message == "signal")

    with_journal(tmp_path, play)


def test_of_many_readings_the_refused_ones_alone_are_kept_apart(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        script = Script()
        async with running(Wary(log, 13), spec_of(script)) as supervisor:
            script.say(*(f"s{n} {n}" for n in range(40)))
            await until(lambda: len(script.acknowledged) == 40, "all acknowledged")
            assert supervisor.statuses()[0].counts.dead_letters == 1
        assert sorted(await values(log)) == [n for n in range(40) if n != 13]
        (letter,) = await log.dead_letters("scripted")
        assert letter.where == "s13 temperature Cel"

    with_journal(tmp_path, play)
