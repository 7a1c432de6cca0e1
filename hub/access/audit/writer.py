"""The one thread that writes the audit: what waits goes into one commit, and is answered after it."""

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub.access.audit import keys
from hub.access.audit import tables as t
from hub.access.audit.chain import Checkpoint, Kind, Signer, digest, entry_hash, genesis
from hub.access.audit.expiry import Gone
from hub.access.audit.record import Entry
from hub.access.audit.store import AuditConfig, Engines, unavailable
from hub.clock import Clock, to_micros
from hub.errors import AuditUnavailable
from hub.journal.ids import uuid7
from hub.telemetry import logger

FOLDED = 1000  # records in one commit, so that it stays short
KEPT = 10_000  # records without a personal field that wait while nothing can be written; past it they are counted
_AGAIN = 1.0  # seconds between attempts while nothing can be written
_log = logger(__name__)


@dataclass(slots=True)
class Job:
    """`future`: whoever waits until it is durable; None: nobody does."""

    record: Entry
    future: "asyncio.Future[None] | None"


@dataclass(slots=True)
class Work:
    """Something else to be done by the writer's connection, in a transaction of its own."""

    do: Callable[[sa.Connection, Signer], Gone]
    future: "asyncio.Future[int]"


@dataclass(frozen=True, slots=True)
class _Head:
    number: int
    hash: bytes


class Writer:
    """`put` from the event loop; `close` when nothing more will come. `signed` is called, on the loop, with each
    checkpoint that is durable."""

    def __init__(
        self, config: AuditConfig, engines: Engines, clock: Clock, signed: Callable[[Checkpoint], None]
    ) -> None:
        self.chain = uuid7(clock())
        self.failing: AuditUnavailable | None = None  # why nothing can be written, while that is so
        self.commits = 0
        self.missed = 0  # records that were dropped since something was last written
        self._config = config
        self._engines = engines
        self._clock = clock
        self._signed = signed
        self._loop = asyncio.get_running_loop()
        self.tried = asyncio.Event()  # the database is open, or cannot be
        self._queue: queue.SimpleQueue[Job | Work | None] = queue.SimpleQueue()
        self._counting = threading.Lock()
        self._kept: deque[Job] = deque()
        self._works: list[Work] = []
        self._connection: sa.Connection | None = None
        self._inode: int | None = None
        self._signer: Signer | None = None
        self._head = _Head(0, genesis(self.chain))
        self._attempted: tuple[_Head, int] | None = None  # of the commit that got no answer; how many nobody waits for
        self._vouched = -1  # the number of the last checkpoint
        self._vouched_at = 0.0
        self._retry_at = 0.0
        self._thread = threading.Thread(target=self._run, name="audit-writer", daemon=True)
        self._thread.start()

    def put(self, job: Job | Work) -> None:
        """What nobody waits for is dropped, and counted, where too much waits already."""
        if isinstance(job, Job) and job.future is None and self._queue.qsize() >= KEPT:
            with self._counting:
                self.missed += 1
            return
        self._queue.put(job)

    async def close(self) -> None:
        """After what waits was written, or could not be."""
        self._queue.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    # ---- on the writer's thread

    def _run(self) -> None:
        ended = False
        while not ended:
            jobs, ended = self._take()
            self._kept.extend(jobs)
            if self._connection is None and time.monotonic() < self._retry_at and not ended:
                self._refuse(self._unavailable())
                continue
            self._attempt(ended)
        if self._connection is not None:
            self._connection.close()

    def _take(self) -> tuple[list[Job], bool]:
        """All that waits, up to FOLDED; nothing where only time has passed."""
        jobs: list[Job] = []
        try:
            job = self._queue.get(timeout=self._pause())
            while job is not None:
                if isinstance(job, Work):
                    self._works.append(job)
                else:
                    jobs.append(job)
                if len(jobs) >= FOLDED:
                    return jobs, False
                job = self._queue.get_nowait()
        except queue.Empty:
            return jobs, False
        return jobs, True

    def _pause(self) -> float:
        """Seconds until something is to be done though nobody asks."""
        until = self._retry_at if self._connection is None else self._vouched_at + self._every
        return max(0.01, until - time.monotonic())

    @property
    def _every(self) -> float:
        return self._config.checkpoint_every.total_seconds()

    def _attempt(self, ended: bool) -> None:
        jobs: list[Job] = []
        signed: Checkpoint | None = None
        try:
            connection = self._connected()
            while True:
                jobs = [self._kept.popleft() for _ in range(min(FOLDED, len(self._kept)))]
                signed = self._commit(connection, jobs, last=ended and not self._kept)
                self._told(jobs, signed)
                if not self._kept:
                    break
            self._work(connection)
        except Exception as error:  # noqa: BLE001  handed to everyone whose record was in this commit
            self._failed(jobs, error)

    def _work(self, connection: sa.Connection) -> None:
        while self._works and self._signer is not None:
            work = self._works[0]
            with connection.begin():
                gone = work.do(connection, self._signer)
            self._works.pop(0)
            self._loop.call_soon_threadsafe(self._worked, work, gone)

    def _commit(self, connection: sa.Connection, jobs: Sequence[Job], *, last: bool) -> Checkpoint | None:
        if self._engines.file is not None and self._inode != _inode(self._engines.file):
            raise AuditUnavailable("the audit's file is no longer where it was: a new one is begun")
        if jobs:
            jobs[0].record.missed = self.missed
        head, entries, subjects = self._entries(jobs)
        kind = Kind.CLOSED if last else Kind.PERIODIC
        signed = self._checkpoint(head, kind) if last or self._is_due(head) else None
        if not entries and signed is None:
            self._vouched_at = time.monotonic()
            return None
        self._attempted = head, sum(job.future is None for job in jobs)
        with connection.begin():
            if entries:
                connection.execute(sa.insert(t.entry), entries)
            if subjects:
                connection.execute(sa.insert(t.subject), subjects)
            if signed is not None:
                connection.execute(sa.insert(t.checkpoint), [signed.row()])
        self.commits += 1
        self._attempted = None
        self._head = head
        with self._counting:
            self.missed -= jobs[0].record.missed if jobs else 0
        if signed is not None:
            self._vouched, self._vouched_at = signed.number, time.monotonic()
        return signed

    def _entries(self, jobs: Sequence[Job]) -> tuple[_Head, list[dict[str, object]], list[dict[str, object]]]:
        entries: list[dict[str, object]] = []
        subjects: list[dict[str, object]] = []
        number, previous = self._head.number, self._head.hash
        for job in jobs:
            record = job.record
            number += 1
            at, body = to_micros(record.at), record.body()
            body_digest = digest(body)
            hash_ = entry_hash(previous, self.chain, number, at, record.personal, body_digest)
            entries.append(
                {
                    "chain": self.chain,
                    "number": number,
                    "at": at,
                    "personal": record.personal,
                    "digest": body_digest,
                    "body": body,
                    "previous": previous,
                    "hash": hash_,
                }
            )
            subjects += [
                {"id": id_, "at": at, "chain": self.chain, "number": number} for id_ in sorted(record.subjects)
            ]
            previous = hash_
        return _Head(number, previous), entries, subjects

    def _is_due(self, head: _Head) -> bool:
        new = head.number - max(self._vouched, 0)
        return new >= self._config.checkpoint_entries or (
            new > 0 and time.monotonic() - self._vouched_at >= self._every
        )

    def _checkpoint(self, head: _Head, kind: Kind) -> Checkpoint:
        if self._signer is None:
            raise AuditUnavailable("the audit's key is not there")
        return self._signer.sign(self.chain, head.number, kind, head.hash, self._clock())

    def _told(self, jobs: Sequence[Job], signed: Checkpoint | None) -> None:
        if self.failing is not None:
            self.failing = None
            _log.info("audit.writable")
        self._loop.call_soon_threadsafe(self._deliver, [job.future for job in jobs if job.future], None, signed)

    def _failed(self, jobs: Sequence[Job], error: Exception) -> None:
        problem = unavailable(error)
        if self.failing is None:
            _log.error("audit.unwritable", reason=problem.message, error=type(error).__name__)
        self.failing = problem
        self._kept.extendleft(reversed(jobs))
        self._refuse(problem)
        self._disconnect()
        self._loop.call_soon_threadsafe(self.tried.set)
        self._retry_at = time.monotonic() + _AGAIN

    def _unavailable(self) -> AuditUnavailable:
        return self.failing or AuditUnavailable("the audit's database is not open yet")

    def _refuse(self, problem: AuditUnavailable) -> None:
        """Nobody who waits waits on; the rest is kept for better times, as far as there is room."""
        waiting: list[asyncio.Future[Any]] = [job.future for job in self._kept if job.future is not None]
        self._kept = deque(job for job in self._kept if job.future is None)
        while len(self._kept) > KEPT:
            self._kept.popleft()
            with self._counting:
                self.missed += 1
        waiting += [work.future for work in self._works]
        self._works.clear()
        if waiting:
            self._loop.call_soon_threadsafe(self._deliver, waiting, problem, None)

    def _connected(self) -> sa.Connection:
        if self._connection is not None:
            return self._connection
        connection = self._engines.write.connect()
        try:
            with connection.begin():
                t.metadata.create_all(connection)
                nothing_signed = connection.scalar(sa.select(sa.func.count()).select_from(t.checkpoint)) == 0
                last = connection.execute(
                    sa.select(t.entry.c.number, t.entry.c.hash)
                    .where(t.entry.c.chain == self.chain)
                    .order_by(t.entry.c.number.desc())
                    .limit(1)
                ).first()
                begun = connection.scalar(sa.select(t.checkpoint.c.chain).where(t.checkpoint.c.chain == self.chain))
            self._signer = keys.signer(self._config.key, make=nothing_signed)
            self._inode = None if self._engines.file is None else _inode(self._engines.file)
            self._resume(last, begun is not None)
            if begun is None:
                self._begin(connection)
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        self._connection = connection
        self._loop.call_soon_threadsafe(self.tried.set)
        return connection

    def _resume(self, last: Any, begun: bool) -> None:
        """Where the chain stands in the database, whatever became of the last commit."""
        if not begun:
            if self._vouched >= 0:  # another database than that in which it began
                self.chain = uuid7(self._clock())
            self._head, self._vouched = _Head(0, genesis(self.chain)), -1
        elif last is not None:
            self._head = _Head(last.number, bytes(last.hash))
        if self._attempted is not None and self._attempted[0] == self._head:
            for _ in range(min(len(self._kept), self._attempted[1])):  # the commit that got no answer went through
                self._kept.popleft()
        self._attempted = None

    def _begin(self, connection: sa.Connection) -> None:
        opened = self._checkpoint(self._head, Kind.OPENED)
        with connection.begin():
            connection.execute(sa.insert(t.checkpoint), [opened.row()])
        self._vouched, self._vouched_at = 0, time.monotonic()
        self._loop.call_soon_threadsafe(self._deliver, [], None, opened)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    # ---- on the event loop's thread

    def _worked(self, work: Work, gone: Gone) -> None:
        if not work.future.done():
            work.future.set_result(gone.entries)
        for signed in gone.signed:
            self._signed(signed)

    def _deliver(
        self,
        futures: "Sequence[asyncio.Future[Any]]",
        problem: AuditUnavailable | None,
        signed: Checkpoint | None,
    ) -> None:
        for future in futures:
            if future.done():  # who asked has gone
                continue
            if problem is None:
                future.set_result(None)
            else:
                future.set_exception(AuditUnavailable(problem.message))
        if signed is not None:
            self._signed(signed)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None
