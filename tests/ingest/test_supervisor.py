"""The supervisor around a source that a test plays: lost, back, unreadable, stalled, disk full, stopped."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Batch, Cursor, HealthState, Unreachable, Unreadable
from adapters.counterpart import closing
from hub.errors import StorageFull
from hub.ingest.commit import MOST_WAITING
from hub.ingest.supervisor import Supervisor
from hub.journal.log import Journal
from hub.journal.records import Appended, Draft
from tests.ingest.scripted import Script, Scripted, events, journal, running, spec_of, until, values


def with_journal(folder: Path, play: Callable[[Journal], Awaitable[None]]) -> None:
    async def run() -> None:
        async with journal(folder) as log:
            await play(log)

    asyncio.run(run())


class Edge:
    """The journal with its disk in the test's hand."""

    def __init__(self, log: Journal) -> None:
        self._log = log
        self.full = False
        self.stalled = asyncio.Event()
        self.stalled.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def append(self, draft: Draft) -> Appended:
        await self.stalled.wait()
        if self.full:
            raise StorageFull("the journal's disk is full: free space; nothing was acknowledged")
        return await self._log.append(draft)


def state(supervisor: Supervisor, name: str = "scripted") -> HealthState:
    return next(status.state for status in supervisor.statuses() if status.id == name)


def text(supervisor: Supervisor) -> str:
    return supervisor.statuses()[0].text


async def told(log: Journal, count: int) -> bool:
    return len(await events(log, "source:scripted")) == count


async def living(log: Journal, count: int) -> bool:
    return len(await log.live_claims("scripted")) == count


def test_what_is_read_is_stored_then_acknowledged(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        script = Script()
        async with running(log, spec_of(script)) as supervisor:
            script.say("a 20", "a 21", "b 30")
            await until(lambda: len(script.acknowledged) == 3, "all acknowledged")
            assert await values(log) == [20, 21, 30]
            status = supervisor.statuses()[0]
            assert (status.state, status.version, status.stale) == (HealthState.OK, "7", False)
            assert (status.counts.readings, status.last_batch_at is not None) == (3, True)
        assert script.entered == script.left == 1

    with_journal(tmp_path, play)


def test_lost_and_back_is_told_once_each_and_doubles_nothing(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        script = Script()
        async with running(log, spec_of(script)) as supervisor:
            script.say("a 20")
            await until(lambda: state(supervisor) is HealthState.OK, "OK")
            script.gone = True
            await until(lambda: state(supervisor) is HealthState.UNAVAILABLE, "unavailable")
            assert "start it" in text(supervisor)
            await asyncio.sleep(0.3)
            script.gone = False
            script.say("a 40")
            await until(lambda: state(supervisor) is HealthState.OK, "OK again")
            await until(lambda: told(log, 2), "told")
        assert await events(log, "source:scripted") == ["source.unavailable", "source.recovered"]
        assert await values(log) == [20, 40]

    with_journal(tmp_path, play)


def test_a_loss_told_before_a_restart_is_not_told_again(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        script = Script(gone=True)
        for _ in range(2):
            async with running(log, spec_of(script)) as supervisor:
                await until(lambda: state(supervisor) is HealthState.UNAVAILABLE, "unavailable")
                await asyncio.sleep(0.2)
        assert await events(log, "source:scripted") == ["source.unavailable"]

    with_journal(tmp_path, play)


def test_silence_past_the_promise_makes_it_stale_and_unavailable(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        script = Script()
        async with running(log, spec_of(script, expect_within=timedelta(seconds=0.4))) as supervisor:
            script.say("a 20")
            await until(lambda: state(supervisor) is HealthState.OK, "OK")
            assert not supervisor.statuses()[0].stale
            await until(lambda: state(supervisor) is HealthState.UNAVAILABLE, "silent")
            assert supervisor.statuses()[0].stale
            assert "expect_within" in text(supervisor)

    with_journal(tmp_path, play)


def test_an_unreadable_payload_is_kept_and_the_stream_goes_on(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        script = Script()
        async with running(log, spec_of(script)) as supervisor:
            script.say("a 20", "rubbish", "a nan", "crash", "a 30")
            await until(lambda: len(script.acknowledged) == 5, "all acknowledged")
            assert supervisor.statuses()[0].counts.dead_letters == 3
        assert await values(log) == [20, 30]
        letters = await log.dead_letters("scripted")
        assert [letter.data for letter in letters if letter.key == "topic"] == [b"rubbish", b"crash"]
        assert any("ZeroDivisionError" in letter.reason for letter in letters)
        assert script.entered == 1

    with_journal(tmp_path, play)


def test_a_sick_source_spares_its_neighbour(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        sick, well = Script(gone=True), Script()
        async with running(log, spec_of(sick, "sick"), spec_of(well, "well")) as supervisor:
            await until(lambda: state(supervisor, "sick") is HealthState.UNAVAILABLE, "unavailable")
            well.say("a 20")
            await until(lambda: well.acknowledged, "the neighbour's data")
            assert state(supervisor, "well") is HealthState.OK

    with_journal(tmp_path, play)


def test_a_stalled_journal_keeps_memory_bounded(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        edge, script = Edge(log), Script()
        edge.stalled.clear()
        async with running(edge, spec_of(script)):
            script.say(*(f"s{n % 50} {n}" for n in range(MOST_WAITING)))
            await until(lambda: script.handed_out >= MOST_WAITING // 2, "as many as may wait", 30)
            await asyncio.sleep(0.5)
            assert script.handed_out <= MOST_WAITING // 2 + 2, "a record and its batch weigh two"
            assert not script.acknowledged
            edge.stalled.set()
            await until(lambda: not script.waiting, "all acknowledged", 30)
        assert len(await values(log)) == MOST_WAITING

    with_journal(tmp_path, play)


def test_a_full_disk_ends_acknowledging_and_loses_nothing(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        edge, script = Edge(log), Script()
        async with running(edge, spec_of(script)) as supervisor:
            script.say("a 20")
            await until(lambda: script.acknowledged, "the first")
            edge.full = True
            script.say("a 30", "a 40")
            await until(lambda: "disk is full" in text(supervisor), "health says so")
            assert state(supervisor) is HealthState.DEGRADED
            assert len(script.acknowledged) == 1
            edge.full = False
            await until(lambda: len(script.acknowledged) == 3, "all acknowledged")
            await until(lambda: state(supervisor) is HealthState.OK, "OK")
        assert await values(log) == [20, 30, 40]
        assert await events(log, "source:scripted") == []

    with_journal(tmp_path, play)


def test_stopping_stores_and_acknowledges_what_was_read(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        edge, script = Edge(log), Script()
        async with running(edge, spec_of(script)):
            script.say("a 20")
            await until(lambda: script.acknowledged, "the first")
            edge.stalled.clear()
            script.say("a 30")
            await until(lambda: script.handed_out == 2, "handed out")
            asyncio.get_running_loop().call_later(0.1, edge.stalled.set)
        assert script.acknowledged == [b"a 20", b"a 30"]
        assert script.left == 1
        assert await values(log) == [20, 30]

    with_journal(tmp_path, play)


def test_stopping_on_a_full_disk_ends_without_acknowledging(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        edge, script = Edge(log), Script()
        edge.full = True
        async with running(edge, spec_of(script)):
            script.say("a 20")
            await until(lambda: script.handed_out, "handed out")
        assert not script.acknowledged

    with_journal(tmp_path, play)


@pytest.mark.parametrize(
    "failure", [Unreachable("the list is not served; start it"), Unreadable("the list is no JSON"), KeyError("a bug")]
)
def test_a_source_that_cannot_list_its_things_is_read_all_the_same(tmp_path: Path, failure: Exception) -> None:
    async def play(log: Journal) -> None:
        script = Script(things=["a"], unlisted=failure)
        async with running(log, spec_of(script, discover_every=timedelta(seconds=0.1))) as supervisor:
            script.say("a 20")
            await until(lambda: script.acknowledged, "reading")
            await until(lambda: "reading goes on" in text(supervisor), "health says so")
            assert state(supervisor) is HealthState.DEGRADED
            script.say("a 30")
            await until(lambda: len(script.acknowledged) == 2, "reading on")
            script.unlisted = None
            await until(lambda: living(log, 1), "listed after all")
            await until(lambda: state(supervisor) is HealthState.OK, "OK")
        assert script.entered == 1
        assert await events(log, "source:scripted") == []

    with_journal(tmp_path, play)


def test_a_poll_that_cannot_list_its_things_is_read_all_the_same(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        script = Script(things=["a"], unlisted=Unreachable("the list is not served; start it"))
        async with running(log, spec_of(script, made=Once, polls=True, every=timedelta(seconds=0.02))) as supervisor:
            script.say("a 20", "a 30")
            await until(lambda: len(script.acknowledged) == 2, "reading")
            assert "the list is not served" in text(supervisor)
        assert script.entered == 1

    with_journal(tmp_path, play)


class Once(Scripted):
    """A poll gives one message."""

    async def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        if self.script.waiting:
            async with closing(super().read(cursor)) as batches:
                yield await anext(batches)


def test_what_a_snapshot_lacks_is_retired_and_much_of_it_asks_a_person(tmp_path: Path) -> None:
    async def play(log: Journal) -> None:
        names = [f"s{n}" for n in range(10)]
        script = Script(things=list(names))
        async with running(log, spec_of(script, discover_every=timedelta(seconds=0.1))) as supervisor:
            await until(lambda: living(log, 10), "all claimed")
            script.things = names[:9]
            await until(lambda: living(log, 9), "one retired")
            script.things = names[:2]
            await until(lambda: supervisor.statuses()[0].confirm_retirement, "a question")
            assert "7 of 9" in text(supervisor)
            assert len(await log.live_claims("scripted")) == 9
            supervisor.confirm_retirement("scripted")
            await until(lambda: living(log, 2), "seven retired")
            await until(lambda: not supervisor.statuses()[0].confirm_retirement, "answered")

    with_journal(tmp_path, play)
