"""What several tasks of one adapter read at once, handed on as one stream of batches, and no more of it than is borne.

Past `most` records that are handed out and not acknowledged, `put` waits: then nothing more is taken from the socket,
and the peer feels it.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from dataclasses import replace

from adapters.contract import Batch, SourceError


class Outbox:
    def __init__(self, most: int) -> None:
        self.most = most
        self._held = 0  # records handed out, or waiting to be
        self._ready = asyncio.Queue[Batch]()
        self._freed = asyncio.Condition()

    async def put(self, batch: Batch) -> None:
        """A batch larger than `most` goes out alone."""
        weight = max(1, len(batch.records) + len(batch.unreadable))
        async with self._freed:
            await self._freed.wait_for(lambda: not self._held or self._held + weight <= self.most)
            self._held += weight

        async def ack() -> None:
            await batch.ack()
            async with self._freed:
                self._held -= weight
                self._freed.notify_all()

        self._ready.put_nowait(replace(batch, ack=ack))

    async def batches(self, *work: Coroutine[object, object, None]) -> AsyncGenerator[Batch, None]:
        """Runs `work`, which puts. Ends by what one of them raises, once all that was put before is handed out."""
        # Bare tasks, ended below: this generator may be left half way, which a TaskGroup cannot be.
        tasks: list[asyncio.Task[None]] = [asyncio.ensure_future(one) for one in work]
        coming = asyncio.ensure_future(self._ready.get())
        try:
            while True:
                await asyncio.wait([coming, *tasks], return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    batch = coming.result()
                    coming = asyncio.ensure_future(self._ready.get())
                    yield batch
                    continue
                for task in tasks:
                    if task.done():
                        task.result()
                raise SourceError("the device ended the conversation; it is begun anew")
        finally:
            coming.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(coming, *tasks, return_exceptions=True)
