"""Runs every source: opens, reads, backs off, watches for silence, and spares the neighbours of a sick one."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from adapters.contract import CredentialsRefused
from adapters.secret import fingerprint
from hub.clock import Clock
from hub.errors import NotFound
from hub.ingest.health import SourceHealth
from hub.ingest.intake import Intake
from hub.ingest.session import Session
from hub.ingest.source import SourceSpec, SourceStatus
from hub.ingest.watch import Watch
from hub.journal.log import Journal
from hub.telemetry import logger

log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds. The n-th try after a failure waits `first` × 2ⁿ, at most `most`, of which half is left to chance."""

    first: float = 0.5
    most: float = 30.0
    refused: float = 1800.0  # after refused credentials: devices lock an account that errs again and again, for so long
    look: float = 2.0  # between two looks whether a secret has changed
    drain: float = 10.0  # at the end, for what was read to be stored and acknowledged


class Supervisor:
    """`run` it in a task; `stop` drains. `statuses` may be asked at any time."""

    def __init__(
        self,
        specs: Sequence[SourceSpec],
        intake: Intake,
        journal: Journal,
        clock: Clock,
        *,
        pace: Pace = Pace(),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._runners = {spec.id: _Runner(spec, intake, journal, clock, pace, chance) for spec in specs}
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()

    async def run(self) -> None:
        """Until `stop`."""
        self._ended.clear()
        try:
            async with asyncio.TaskGroup() as group:
                watches = [
                    group.create_task(runner.watch.run(), name=f"watch {name}")
                    for name, runner in self._runners.items()
                ]
                running = [
                    group.create_task(runner.run(self._stopping), name=f"source {name}")
                    for name, runner in self._runners.items()
                ]
                await self._stopping.wait()
                for runner, task in zip(self._runners.values(), running, strict=True):
                    runner.stop(task)
                await asyncio.gather(*running, return_exceptions=True)
                for watch in watches:
                    watch.cancel()
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Ends reading, stores and acknowledges what was read, closes the adapters; returns when all is done."""
        self._stopping.set()
        await self._ended.wait()

    def statuses(self) -> Sequence[SourceStatus]:
        return [runner.health.status() for runner in self._runners.values()]

    def confirm_retirement(self, source: str) -> None:
        """A person lets the source's next snapshot retire what is missing. Raises NotFound."""
        if source not in self._runners:
            raise NotFound(f"there is no source {source!r}")
        self._runners[source].session.confirm()

    def retry(self, source: str) -> None:
        """A source that refused its credentials is asked again at once. Raises NotFound."""
        if source not in self._runners:
            raise NotFound(f"there is no source {source!r}")
        self._runners[source].retry()


class _Runner:
    """One source's life: session after session, with a growing pause after each that failed."""

    def __init__(
        self,
        spec: SourceSpec,
        intake: Intake,
        journal: Journal,
        clock: Clock,
        pace: Pace,
        chance: Callable[[], float],
    ) -> None:
        self.spec = spec
        self.health = SourceHealth(spec, clock)
        self.watch = Watch(self.health, journal, clock)
        self.session = Session(spec, intake, journal, self.health, clock, chance)
        self._pace = pace
        self._retry = asyncio.Event()
        self._chance = chance

    async def run(self, stopping: asyncio.Event) -> None:
        failures = 0
        while not stopping.is_set():
            before = self.health.status().last_batch_at
            try:
                await self.session.run(self._pace.drain)
            except Exception as error:  # noqa: BLE001  (a sick source spares its neighbours)
                if self.health.status().last_batch_at != before:
                    failures = 0
                self._failed(error)
                self.session.forget()
                delay = min(self._pace.most, self._pace.first * 2 ** min(failures, 20))
                failures += 1
                self.watch.look()
                if isinstance(self.session.root(error), CredentialsRefused):
                    await self._until_mended()
                else:
                    await asyncio.sleep(delay * (0.5 + self._chance() / 2))

    async def _until_mended(self) -> None:
        """Until a secret of the source's says something else, an operator asks, or the account may be unlocked."""
        self._retry.clear()
        before = await asyncio.to_thread(fingerprint, self.spec.config)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pace.refused):
                while await asyncio.to_thread(fingerprint, self.spec.config) == before:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._pace.look):
                            await self._retry.wait()
                            return

    def retry(self) -> None:
        self._retry.set()

    def stop(self, task: asyncio.Task[None]) -> None:
        """An open session drains by itself; connecting and waiting are cut short."""
        self.session.stop()
        if not self.session.is_open:
            task.cancel()

    def _failed(self, error: Exception) -> None:
        root = self.session.root(error)
        known = self.session.is_the_sources(root)
        if known:
            text = str(root)
            if isinstance(root, CredentialsRefused):
                text += (
                    f". It is asked again after {self._pace.refused / 60:g} min, lest the account be locked; at once "
                    f"when the secret changes, or by causeway sources --retry {self.spec.id}"
                )
        else:
            log.exception("source.bug", source=self.spec.id, adapter=self.spec.definition.name)
            text = (
                f"the adapter {self.spec.definition.name} met an error that it should not: {root!r}; its log has more"
            )
        if self.health.failure is None:
            log.warning("source.failed", source=self.spec.id, text=text)
        self.health.failed(text)
