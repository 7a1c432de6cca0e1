"""The supervisor's half of the adapters' contract, and both halves for a third party's adapter by its name."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from adapters import registry
from adapters.contract import AnyDefinition, HealthState, Reading, Record
from adapters.counterpart import Bench, Counterpart, running
from hub.clock import now
from hub.errors import SettingsError
from hub.ingest.intake import Intake
from hub.ingest.source import SourceSpec
from hub.ingest.supervisor import Pace, Supervisor
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import ReadingsEntry
from hub.journal.sealing import Keyring, KeyringConfig
from hub.units import Quantity, ucum

Test = Callable[[Path], None]
_SOURCE = "contract"


class _Park:
    """A hub's ingest over one counterpart, on a real journal."""

    def __init__(self, bench: Bench, log: Journal, supervisor: Supervisor) -> None:
        self.bench = bench
        self.log = log
        self.supervisor = supervisor

    async def until(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        try:
            async with asyncio.timeout(2 * self.bench.traits.patience):
                while True:
                    if await holds():
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            status = self.supervisor.statuses()[0]
            raise AssertionError(f"{what} never happened; the source is {status.state}: {status.text}") from error

    async def is_in(self, state: HealthState) -> bool:
        return self.supervisor.statuses()[0].state is state

    async def values(self) -> list[str]:
        entries = [entry for entry in await self.log.read(0, 1_000_000) if isinstance(entry, ReadingsEntry)]
        return [f"{row.value:.6g}" for entry in entries for row in entry.rows]

    async def holds(self, made: Sequence[Record]) -> bool:
        stored = await self.values()
        return all(f"{r.value:.6g}" in stored for r in made if isinstance(r, Reading))

    async def events(self) -> list[str]:
        return [event.type for event in await self.log.stream(f"source:{_SOURCE}")]

    async def told(self, events: Sequence[str]) -> bool:
        return await self.events() == events


@asynccontextmanager
async def _park(bench: Bench, folder: Path) -> AsyncIterator[_Park]:
    """Each quantity is declared with the unit that the counterpart's records have."""
    declared = {
        r.quantity: Quantity(name=r.quantity, unit=ucum(r.unit))
        for r in await bench.produce(8)
        if isinstance(r, Reading)
    }
    spec = SourceSpec(
        id=_SOURCE,
        definition=bench.definition,
        config=bench.configured(),
        every=timedelta(seconds=0.2),
        # Of who connects to the adapter, silence alone tells that it is gone.
        expect_within=timedelta(seconds=(0.5 if bench.definition.listens else 4) * bench.traits.patience),
    )
    keyring = Keyring.open(KeyringConfig(store=folder / "keys.db", park_key=folder / "park.key"))
    log = await Journal.open(JournalConfig(url="sqlite", folder=folder / "state", keyring=keyring))
    supervisor = Supervisor([spec], Intake(log, declared), log, now, pace=Pace(first=0.05, most=0.5, drain=5.0))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.run())
            try:
                park = _Park(bench, log, supervisor)
                await park.until(lambda: _discovered(park), "the first session")
                yield park
            finally:
                await supervisor.stop()
    finally:
        await log.close()
        keyring.close()


async def _discovered(park: _Park) -> bool:
    """A stream has subscribed once it is not failing and has been open for a moment."""
    await asyncio.sleep(0.5)
    return park.supervisor.statuses()[0].state is not HealthState.UNAVAILABLE


async def lost_and_back_is_told_and_doubles_nothing(bench: Bench, folder: Path) -> None:
    async with _park(bench, folder) as park:
        before = await bench.produce(4)
        await park.until(lambda: park.holds(before), "storing what was produced")
        await asyncio.to_thread(bench.peer.pause)
        await park.until(lambda: park.is_in(HealthState.UNAVAILABLE), "noticing that the peer is gone")
        await park.until(lambda: park.told(["source.unavailable"]), "source.unavailable, once,")
        await asyncio.to_thread(bench.peer.resume)
        await park.until(lambda: _not(park.is_in(HealthState.UNAVAILABLE)), "noticing that the peer is back")
        after = await bench.produce(4)
        await park.until(lambda: park.holds(after), "storing what was produced after the loss")
        await park.until(
            lambda: park.told(["source.unavailable", "source.recovered"]),
            "source.unavailable and source.recovered, once each,",
        )
        stored = await park.values()
        twice = [f"{r.value:.6g}" for r in before if isinstance(r, Reading) and stored.count(f"{r.value:.6g}") > 1]
        assert not twice, f"stored twice: {twice}"  # noqa: S101


async def what_cannot_be_read_becomes_a_dead_letter(bench: Bench, folder: Path) -> None:
    async with _park(bench, folder) as park:
        await asyncio.to_thread(bench.peer.spoil)

        async def kept() -> bool:
            return bool(await park.log.dead_letters(_SOURCE))

        await park.until(kept, "keeping a dead letter")
        made = await bench.produce(4)
        await park.until(lambda: park.holds(made), "going on after it")
        assert await park.events() == [], "one bad record made the whole source unavailable"  # noqa: S101


async def _not(answer: Awaitable[bool]) -> bool:
    return not await answer


def supervised_tests(definition: AnyDefinition, counterpart: type[Counterpart]) -> dict[str, Test]:
    """pytest functions by name, for `globals().update(...)` beside `adapters.testing.contract_tests`."""
    promises = [lost_and_back_is_told_and_doubles_nothing]
    if counterpart.traits.spoils:
        promises.append(what_cannot_be_read_becomes_a_dead_letter)

    def as_test(promise: Callable[[Bench, Path], Awaitable[None]]) -> Test:
        def test(tmp_path: Path) -> None:
            folder = tmp_path / "counterpart"
            folder.mkdir()
            with running(definition, counterpart, folder) as bench:
                asyncio.run(_awaited(promise(bench, tmp_path)))

        return test

    return {f"test_supervised_{promise.__name__}": as_test(promise) for promise in promises}


async def _awaited(promise: Awaitable[None]) -> None:
    await promise


_MODULE = """\
from adapters import registry
from adapters.testing import contract_tests
from hub.ingest.contract import supervised_tests

definition, counterpart = registry.find({name!r}), registry.counterpart({name!r})
globals().update(contract_tests(definition, counterpart))
globals().update(supervised_tests(definition, counterpart))
"""


def run_contract(name: str) -> int:
    """Runs both halves over the counterpart that the entry-point group `causeway.adapters.counterparts` has under the
    adapter's name; pytest's exit code. Raises UnknownAdapter, and SettingsError where pytest is not installed."""
    registry.find(name)
    registry.counterpart(name)
    try:
        import hypothesis  # noqa: F401
        import pytest
    except ImportError as error:
        raise SettingsError("the contract needs pytest and hypothesis: pip install pytest hypothesis") from error
    with tempfile.TemporaryDirectory(prefix="causeway-contract-") as folder:
        module = Path(folder) / f"test_{name.replace('-', '_')}.py"
        module.write_text(_MODULE.format(name=name), encoding="utf-8")
        options = ["--import-mode=importlib", "-p", "no:cacheprovider", f"--rootdir={folder}", "-c", "/dev/null"]
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what the hub itself has imported before
        code = pytest.main([*options, "-q", str(module)])
    sys.stdout.flush()
    return int(code)
