"""Tells the log when a source is lost and when it is back: each once, also across restarts of the hub."""

import asyncio

from hub.clock import Clock
from hub.errors import Conflict, StorageFull
from hub.ingest.health import SourceHealth
from hub.journal.log import Journal
from hub.journal.records import HUB, Draft, NewEvent
from hub.telemetry import logger

log = logger(__name__)

UNAVAILABLE, RECOVERED = "source.unavailable", "source.recovered"


class Watch:
    """Compares what the log last said of a source with how it does now."""

    def __init__(self, health: SourceHealth, journal: Journal, clock: Clock) -> None:
        self._health = health
        self._journal = journal
        self._clock = clock
        self._stream = f"source:{health.spec.id}"
        self._look = asyncio.Event()

    def look(self) -> None:
        """Something changed: do not wait for the next round."""
        self._look.set()

    async def run(self) -> None:
        """Never ends."""
        version, told_available = await self._told()
        pause = min(1.0, self._health.spec.expect_within.total_seconds() / 4)
        while True:
            available = self._health.available
            if available is not None and available is not told_available:
                try:
                    version += await self._tell(available, version)
                    told_available = available
                except StorageFull:
                    pass  # said by the source's health; told as soon as there is room
                except Conflict:
                    version, told_available = await self._told()
            self._look.clear()
            try:
                async with asyncio.timeout(pause):
                    await self._look.wait()
            except TimeoutError:
                continue

    async def _told(self) -> tuple[int, bool]:
        """The stream's version, and whether the source was available by it."""
        events = await self._journal.stream(self._stream)
        return (events[-1].stream_version, events[-1].type != UNAVAILABLE) if events else (0, True)

    async def _tell(self, available: bool, version: int) -> int:
        spec = self._health.spec
        reason = "data comes again" if available else self._health.judge()[1]
        event = NewEvent(
            type=RECOVERED if available else UNAVAILABLE,
            version=1,
            stream=self._stream,
            expected=version,
            data={"source": spec.id, "reason": reason},
            actor=HUB,
        )
        await self._journal.append(Draft(source=HUB, received_at=self._clock(), events=[event]))
        (log.info if available else log.warning)(event.type, source=spec.id, reason=reason)
        return 1
