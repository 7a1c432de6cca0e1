"""Dead letters that say the same, and too many of any: the first are kept, the rest counted, and health says so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from adapters.contract import Batch, Claim, Cursor, DeadLetter, Raw, Reading, Record, Unreadable
from hub.clock import now
from hub.ingest.source import SourceStatus
from hub.ingest.supervisor import Supervisor
from hub.journal.log import Journal
from hub.journal.records import Appended, Draft
from tests.ingest.scripted import Script, Scripted, journal, running, spec_of, until


def with_journal(folder: Path, play: Callable[[Journal], Awaitable[None]]) -> None:
    async def run() -> None:
        async with journal(folder) as log:
            await play(log)

    asyncio.run(run())


def source(supervisor: Supervisor) -> SourceStatus:
    return supervisor.statuses()[0]


class Polled(Scripted):
    """Registers that are read again and again: each thing of the script is one, `nan` holds no number."""

    async def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        self.script.handed_out += 1
        at = now()
        records: list[Record] = []
        letters = []
        for name in self.script.things:
            if name == "nan":
                raw = Raw(key="device/holding/7", received_at=at, data=self.script.handed_out.to_bytes(4))
                letters.append(DeadLetter.of(raw, Unreadable("the register holds nan")))
            elif name == "claim":
                records.append(Claim(kind="Asset", external_id=name, values={"nmae": "x"}))
            else:
                unit = "V" if name == "volts" else "Cel"
                quantity = "temprature" if name == "undeclared" else "temperature"
                records.append(Reading(name, quantity, float(self.script.handed_out), unit))
        yield Batch(records=records, unreadable=letters, received_at=at)

    async def discover(self) -> AsyncIterator[Claim]:
        for none in ():
            yield none


def test_what_is_wrong_at_each_poll_is_kept_once_and_counted(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        script = Script(things=["undeclared", "volts", "nan", "claim", "well"])
        async with running(log, spec_of(script, made=Polled, polls=True, every=timedelta(seconds=0.01))) as supervisor:
            await until(lambda: source(supervisor).counts.not_kept >= 40, "ten polls")
            counts, text = source(supervisor).counts, source(supervisor).text
        letters = await log.dead_letters("scripted")
        assert sorted(letter.where or letter.key for letter in letters) == [
            "claim",
            "device/holding/7",
            "undeclared temprature Cel",
            "volts temperature V",
        ]
        assert counts.dead_letters == 4
        assert counts.readings >= 10
        assert "like it were counted and not kept" in text
        assert "did you mean" in text or "cannot become" in text or "nan" in text, "it says what to do"

    with_journal(tmp_path, play)


def test_another_thing_that_is_wrong_is_kept_too(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        script = Script(things=["undeclared"])
        async with running(log, spec_of(script, made=Polled, polls=True, every=timedelta(seconds=0.01))) as supervisor:
            await until(lambda: source(supervisor).counts.not_kept, "a second poll")
            script.things.append("volts")
            await until(lambda: source(supervisor).counts.dead_letters == 2, "the other one")

    with_journal(tmp_path, play)


def test_a_streams_payloads_are_all_kept_up_to_the_hours_bound(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        script = Script()
        async with running(log, spec_of(script, dead_letters_per_hour=5)) as supervisor:
            script.say(*["rubbish"] * 5, "a 20")
            await until(lambda: len(script.acknowledged) == 6, "the first")
            assert source(supervisor).counts.not_kept == 0
            script.say(*["rubbish"] * 7, "a 30")
            await until(lambda: len(script.acknowledged) == 14, "all acknowledged")
            counts, text = source(supervisor).counts, source(supervisor).text
        kept: Sequence[object] = await log.dead_letters("scripted")
        assert len(kept) == 5
        assert (counts.dead_letters, counts.not_kept, counts.readings) == (5, 7, 2)
        assert "7 more were counted and not kept" in text
        assert "dead_letters_per_hour" in text

    with_journal(tmp_path, play)


def test_what_was_counted_before_the_first_was_stored_is_kept_after_all(tmp_path: Path) -> None:
    """The adapter fails between reading and storing: what comes again is the first again."""

    async def play(log: Journal) -> None:
        script = Script(things=["undeclared"])
        spec = spec_of(script, made=Polled, polls=True, every=timedelta(seconds=0.01))
        async with running(Failing(log), spec):
            await until(lambda: script.entered > 1, "a second session")

            async def kept() -> bool:
                return len(await log.dead_letters("scripted")) == 1

            await until(kept, "a dead letter")

    with_journal(tmp_path, play)


class Failing:
    """The journal; its first append with a dead letter fails."""

    def __init__(self, log: Journal) -> None:
        self._log = log
        self._failed = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    async def append(self, draft: Draft) -> Appended:
        if draft.dead_letters and not self._failed:
            self._failed = True
            raise ConnectionError("a bug in between")
        return await self._log.append(draft)
