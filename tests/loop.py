"""How long the event loop is held: by its own thread's CPU time, since others of the machine hold the clock too."""

import asyncio
import gc
import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from hub.ingest.collector import spare_collector

HELD_SECONDS = 0.1
"""What nothing may hold the loop for."""
_BEAT = 0.002  # seconds


def children_seconds() -> float:
    """CPU time of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Probe:
    """`longest`: CPU seconds between two turns of a task that only waits; the steps of all other tasks lie between."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(_BEAT)
            self.longest = max(self.longest, time.thread_time() - began)


@asynccontextmanager
async def probed() -> AsyncIterator[Probe]:
    """Fails where the loop is held longer than it may be."""
    probe = Probe()
    watching = asyncio.create_task(probe.watch())
    await asyncio.sleep(0)
    try:
        yield probe
        await asyncio.sleep(2 * _BEAT)
    finally:
        watching.cancel()
    assert 0 < probe.longest < HELD_SECONDS, f"the loop was held for {probe.longest * 1000:.0f} ms"


@contextmanager
def collecting_as_the_hub_does() -> Iterator[None]:
    thresholds = gc.get_threshold()
    spare_collector()
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
