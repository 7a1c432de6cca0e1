"""The record of who was shown what: written and durable before anything personal leaves."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from typing import Self

import sqlalchemy as sa

from hub.access.audit import keys
from hub.access.audit.chain import Checkpoint, Signer
from hub.access.audit.expiry import Gone, empty_some, expire_some
from hub.access.audit.record import Entry
from hub.access.audit.store import AuditConfig, Engines, open_engines
from hub.access.audit.writer import Job, Work, Writer
from hub.clock import Clock, now
from hub.errors import AuditUnavailable, CausewayError
from hub.telemetry import logger

Witness = Callable[[Checkpoint], Awaitable[None]]
"""Keeps a checkpoint elsewhere too, so that a chain whose tail was cut off shows."""

PATIENCE = 5.0  # seconds that an answer with personal fields waits for its record
GATHERED = 0.02  # seconds in which records that nobody waits for gather
WAITING = 10_000  # records, of either kind; past it personal answers are refused and the others are counted
_WITNESS_AGAIN = 5.0  # seconds
_log = logger(__name__)


class Audit:
    """`write` before an answer with a personal field leaves, `offer` for any other; `run` beside the hub's tasks, and
    `close` at its end."""

    def __init__(self, config: AuditConfig, engines: Engines, clock: Clock, witness: Witness | None) -> None:
        self.config = config
        self.engines = engines
        self.clock = clock
        self._witness = witness
        self._checkpoints: asyncio.Queue[Checkpoint] = asyncio.Queue()
        self._writer = Writer(config, engines, clock, self._checkpoints.put_nowait)
        self._loop = asyncio.get_running_loop()
        self._gathered: list[Entry] = []
        self._same: dict[Hashable, Entry] = {}
        self._waiting = 0
        self._stuck_at = -1  # the commits that there were when somebody had waited for too long

    @classmethod
    async def open(cls, config: AuditConfig, *, clock: Clock = now, witness: Witness | None = None) -> Self:
        """Raises SettingsError. A database that is away or broken is no error here: until it works, nothing personal
        is shown."""
        keys.refuse_within(config.key, config.folder)
        return cls(config, open_engines(config), clock, witness)

    async def close(self) -> None:
        """Writes what waits, and a last checkpoint."""
        self._flush()
        await self._writer.close()
        await asyncio.sleep(0)  # what the thread has handed over to the loop
        if self._witness is not None:
            while not self._checkpoints.empty():
                signed = self._checkpoints.get_nowait()
                try:
                    await self._witness(signed)
                except CausewayError as error:
                    _log.warning("audit.unwitnessed", number=signed.number, reason=error.message)
        self.engines.dispose()

    async def settled(self) -> None:
        """Returns once the database is open. Raises AuditUnavailable where it cannot be."""
        await self._writer.tried.wait()
        if self._writer.failing is not None:
            raise self._writer.failing

    @property
    def chain(self) -> str:
        return self._writer.chain

    @property
    def failing(self) -> str | None:
        """Why nothing can be written, while that is so."""
        if self._writer.failing is not None:
            return self._writer.failing.message
        return (
            "the audit's database does not answer in time: look at its disk or its server" if self._is_stuck else None
        )

    @property
    def _is_stuck(self) -> bool:
        return self._stuck_at == self._writer.commits

    @property
    def missed(self) -> int:
        """Records of answers without a personal field that were dropped since one was last written."""
        return self._writer.missed

    async def write(self, record: Entry) -> None:
        """Returns once the record is durable. Raises AuditUnavailable, at once while nothing can be written."""
        if (failing := self._writer.failing) is not None:
            raise AuditUnavailable(f"{failing.message}. Until then no personal field is shown.")
        if self._waiting >= WAITING:
            raise AuditUnavailable("too many answers wait for the audit: ask again")
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting += 1
        try:
            self._writer.put(Job(record, future))
            async with asyncio.timeout(PATIENCE):
                await future
        except TimeoutError:
            self._stuck_at = self._writer.commits
            raise AuditUnavailable(f"the audit did not answer within {PATIENCE:g} s: ask again") from None
        finally:
            self._waiting -= 1

    def offer(self, record: Entry, same: Hashable = None) -> None:
        """Returns at once; the record is written soon. Records of the same event for the same viewer, which `same`
        says, are one with a count."""
        if self.again(same):
            return
        if same is not None:
            self._same[same] = record
        if not self._gathered:
            self._loop.call_later(GATHERED, self._flush)
        self._gathered.append(record)

    def again(self, same: Hashable) -> bool:
        """Whether such a record waits already; then it counts one more."""
        held = None if same is None else self._same.get(same)
        if held is not None:
            held.deliveries += 1
        return held is not None

    def _flush(self) -> None:
        for record in self._gathered:
            self._writer.put(Job(record, None))
        self._gathered, self._same = [], {}

    async def expire(self, before: datetime, logs_before: datetime) -> int:
        """Deletes entries older than `before`, and empties those older than `logs_before` that showed nothing personal;
        how many. Raises AuditUnavailable."""
        done = 0
        for some, moment in ((expire_some, before), (empty_some, logs_before)):
            while gone := await self._some(some, moment):
                done += gone
        return done

    async def _some(self, some: Callable[[sa.Connection, Signer, datetime, datetime], Gone], moment: datetime) -> int:
        future: asyncio.Future[int] = self._loop.create_future()
        at = self.clock()
        self._writer.put(Work(lambda connection, signer: some(connection, signer, at, moment), future))
        return await future

    async def run(self) -> None:
        """Tells the witness of each checkpoint, until it is cancelled."""
        if self._witness is None:
            return
        told_so = False
        while True:
            signed = await self._checkpoints.get()
            while True:
                try:
                    await self._witness(signed)
                    told_so = False
                    break
                except CausewayError as error:
                    if not told_so:
                        _log.warning("audit.unwitnessed", number=signed.number, reason=error.message)
                        told_so = True
                    await asyncio.sleep(_WITNESS_AGAIN)
