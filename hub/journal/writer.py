"""The one thread that writes: it folds what waits into one commit, and answers only after it."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from hub.clock import Clock
from hub.errors import AlreadyRunning, BadRequest, CausewayError, StorageFull
from hub.journal import outcome
from hub.journal.encoding import Seals
from hub.journal.engine import Engines, hold_hub_lock, notify, storage_problem
from hub.journal.fold import Fold
from hub.journal.identity import Identity
from hub.journal.tail import Tail
from hub.telemetry import logger

WAITING = 256  # jobs; who comes later waits before the queue
_FOLDED_ROWS = 20_000  # readings in one commit, so that it stays short
_PATIENCE = 30.0  # seconds in which a server that was lost in a COMMIT is asked what became of it,
_AGAIN = 0.2  # every so many
T = TypeVar("T")
_log = logger(__name__)


@dataclass(slots=True)
class _Job:
    work: Callable[[Fold], Any]
    rows: int
    future: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None


class Writer:
    """`do` from the event loop; `close` when nothing more will come."""

    def __init__(
        self,
        engines: Engines,
        *,
        identity: Identity,
        seals: Seals,
        clock: Clock,
        tail: Tail,
        connection: sa.Connection,
    ) -> None:
        self._engines = engines
        self._identity = identity
        self._seals = seals
        self._clock = clock
        self._tail = tail
        self._connection: sa.Connection | None = connection
        self._known_series: set[int] = set()
        self._loop = asyncio.get_running_loop()
        self._slots = asyncio.Semaphore(WAITING)
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self.failing: str | None = None  # why nothing can be written, while that is so
        self._closed = False
        # A daemon, since `close` waits for it: a process that dies without closing must not wait for ever.
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    async def do(self, work: Callable[[Fold], T], *, rows: int = 0) -> T:
        """`work`'s result, once the commit that holds it is durable."""
        await self._slots.acquire()
        if self._closed:
            self._slots.release()
            raise StorageFull("the journal is closed; nothing was acknowledged")
        job = _Job(work, rows, self._loop.create_future())
        self._queue.put(job)
        result: T = await job.future
        return result

    async def close(self) -> None:
        """After what waits was written."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            await self._loop.run_in_executor(None, self._thread.join)

    # ---- on the writer's thread

    def _run(self) -> None:
        ended = False
        while not ended:
            jobs, ended = self._take()
            if jobs:
                self._commit(jobs)
        if self._connection is not None:
            self._connection.close()

    def _take(self) -> tuple[list[_Job], bool]:
        """All that waits: while one commit is made durable the next one gathers, so nobody waits without need."""
        jobs: list[_Job] = []
        rows = 0
        job = self._queue.get()
        while job is not None:
            jobs.append(job)
            rows += job.rows
            if rows >= _FOLDED_ROWS or len(jobs) >= WAITING:
                return jobs, False
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return jobs, False
        return jobs, True

    def _commit(self, jobs: list[_Job]) -> None:
        fold: Fold | None = None
        transaction, ending = 0, False
        try:
            connection = self._connected()
            with connection.begin():
                if self._engines.dialect == "postgresql":
                    transaction = outcome.begin(connection)
                fold = Fold(
                    connection,
                    self._engines.dialect,
                    self._identity,
                    self._seals,
                    self._known_series,
                    self._clock(),
                )
                for job in jobs:
                    self._attempt(fold, job)
                fold.finish()
                if self._engines.dialect == "postgresql" and fold.head != fold.began_at:
                    notify(connection, fold.head)
                ending = True
        except Exception as error:  # noqa: BLE001 - handed to everyone whose draft was in this commit
            if ending and transaction and self._went_through(transaction, error):
                self._recovered()
            else:
                self._failed(jobs, error)
                fold = None
        else:
            self._recovered()
        self._loop.call_soon_threadsafe(self._deliver, jobs, fold)

    def _attempt(self, fold: Fold, job: _Job) -> None:
        try:
            job.result = fold.attempt(job.work)
        except CausewayError as error:
            job.error = error
        except Exception as error:
            if storage_problem(error) is not None:
                raise
            job.error = error  # the caller's to handle; its neighbours go on
            if isinstance(error, sa.exc.IntegrityError | sa.exc.DataError | TypeError | OverflowError | UnicodeError):
                job.error = BadRequest(f"the journal cannot store this: {_why(error)}")
                job.error.__cause__ = error

    def _went_through(self, transaction: int, error: Exception) -> bool:
        """The COMMIT got no answer: the server knows, once it is there again. What is told as failed comes again, and
        dead letters and signals would then be stored twice."""
        problem = storage_problem(error)
        if problem is None:
            return False
        self._unwritable(problem)
        deadline = time.monotonic() + _PATIENCE
        while not self._closed and time.monotonic() < deadline:
            self._disconnect()
            try:
                known = outcome.committed(self._connected(), transaction)
            except (sa.exc.DBAPIError, AlreadyRunning):
                known = None
            if known is not None:
                return known
            time.sleep(_AGAIN)
        _log.error("journal.commit_unknown", transaction=transaction)
        return False

    def _failed(self, jobs: list[_Job], error: Exception) -> None:
        problem = storage_problem(error)
        for job in jobs:
            job.error = problem or error
        self._identity.forget_cache()
        self._known_series.clear()  # what was made in this commit is not there
        if problem is not None:
            self._unwritable(problem)
        if self._connection is not None and (self._connection.invalidated or problem is not None):
            self._disconnect()

    def _unwritable(self, problem: StorageFull) -> None:
        if self.failing is None:
            self.failing = problem.message
            _log.error("journal.unwritable", reason=problem.message)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _recovered(self) -> None:
        if self.failing is not None:
            self.failing = None
            _log.info("journal.writable")

    def _connected(self) -> sa.Connection:
        if self._connection is None:
            connection = self._engines.write.connect()
            try:
                if self._engines.dialect == "postgresql":
                    hold_hub_lock(connection)
                    connection.commit()
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
            self._connection = connection
        return self._connection

    # ---- on the event loop's thread

    def _deliver(self, jobs: list[_Job], fold: Fold | None) -> None:
        if fold is not None:
            self._tail.extend(fold.began_at, fold.head, fold.entries)
        for job in jobs:
            self._slots.release()
            if job.future.done():  # who asked was cancelled; what it asked for is stored all the same
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.result)


def _why(error: Exception) -> str:
    """In the words of whoever refused, where these name no value."""
    if isinstance(error, UnicodeError) or "surrogates" in str(error):
        return "a text holds half a character (a lone surrogate)"
    if isinstance(error, sa.exc.IntegrityError):
        return "it contradicts what is stored"
    cause = error.orig if isinstance(error, sa.exc.DataError) else error
    if "NUL" in str(cause):
        return "a text holds a NUL character"
    return type(cause).__name__
