"""The graph engine as the hub sees it: one store on the official async driver, for Neo4j and for the embedded engine.

Reads are auto-commit (the cheapest form) and tried twice where a connection turns out to be dead; writes are managed
transactions (`execute_write` retries deadlocks) under one lock, since two writers that MERGE the same keys collide.
An engine that does not answer raises GraphUnavailable, never an empty list.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Self

import neo4j
from neo4j.exceptions import AuthError, ConfigurationError, DriverError, Neo4jError

from hub.errors import DeadlineExceeded, GraphUnavailable, Internal
from hub.graph import dialect as dialects
from hub.graph.dialect import Dialect
from hub.telemetry import logger

log = logger(__name__)

READ_SECONDS = 10.0
WRITE_SECONDS = 60.0
CONNECT_SECONDS = 5.0
_GRACE_SECONDS = 2.0  # the server's own timeout comes first; ours is for a server that is silent
_SILENT_SECONDS = 2.0  # to wait for a server that did not answer the last time: who asks shall learn it soon
_TIMED_OUT = ("TransactionTimedOut", "TransactionTimedOutClientConfiguration")

DEADLINE: ContextVar[float | None] = ContextVar("deadline", default=None)
"""When whoever asks stops waiting, on the event loop's clock: no read is given longer, whichever task it runs in."""

Step = tuple[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphConfig:
    """Where the engine is: `neo4j://` or `bolt://` (with `+s` for TLS). Without a password no credentials are sent."""

    uri: str
    user: str = "neo4j"
    password: str | None = None
    database: str | None = None


class Store:
    """Reads and writes Cypher. `available` tells how the last contact went."""

    def __init__(self, config: GraphConfig | None) -> None:
        self.config = config
        self._driver = None if config is None else _driver(config)
        self._dialect: Dialect | None = None
        self._writer = asyncio.Lock()
        self._available: bool | None = None if config is not None else False

    @classmethod
    async def open(cls, config: GraphConfig | None) -> Self:
        """Needs no engine that answers yet; raises Internal for an address that makes no sense. None: it is only being
        started, and `move` will say where; that it does not answer before is no news."""
        return cls(config)

    async def move(self, config: GraphConfig) -> None:
        """The engine stands elsewhere now, as after a start on another port."""
        if config == self.config:
            return
        old, self._driver = self._driver, _driver(config)
        self.config = config
        if old is not None:
            await old.close()

    async def close(self) -> None:
        if self._driver is not None:
            await self._driver.close()

    @property
    def available(self) -> bool:
        """False once a contact failed, until one succeeds; True at first."""
        return self._available is not False

    @property
    def dialect(self) -> Dialect:
        """The engine's ways, as found at the first contact; Neo4j's before that."""
        return self._dialect or dialects.NEO4J

    async def contact(self) -> Dialect:
        """Finds out who answers; raises GraphUnavailable."""
        async with self._reached(CONNECT_SECONDS + _GRACE_SECONDS):
            info = await self._open.get_server_info()
        self._dialect = dialects.of_server(info.agent)
        return self._dialect

    async def read(
        self, statement: str, parameters: Mapping[str, object], *, seconds: float = READ_SECONDS
    ) -> list[dict[str, object]]:
        """The rows, a dict each. Raises GraphUnavailable, DeadlineExceeded."""
        seconds = _allowed(seconds)
        query = neo4j.Query(statement, timeout=seconds)

        async def work() -> list[dict[str, object]]:
            async with self._session(neo4j.READ_ACCESS) as session:
                result = await session.run(query, dict(parameters))
                return [dict(record) async for record in result]

        return await self._twice(work, seconds)

    async def answers(self, seconds: float) -> None:
        """Raises GraphUnavailable where the engine says nothing within `seconds`; who asks next then waits less."""
        async with self._reached(seconds):
            await self.read("RETURN 1 AS one", {})

    async def write(
        self, steps: Sequence[Step], *, provided: Step | None = None, seconds: float = WRITE_SECONDS
    ) -> None:
        """All steps in one transaction, or none. `provided` is run as the last one: where it returns no row nothing
        is written and GraphUnavailable raised, since the graph is not the one that was meant. Raises
        GraphUnavailable, DeadlineExceeded."""

        @neo4j.unit_of_work(timeout=seconds)
        async def work(transaction: neo4j.AsyncManagedTransaction) -> None:
            for statement, parameters in steps:
                result = await transaction.run(statement, dict(parameters))
                await result.consume()
            if provided is not None:
                result = await transaction.run(provided[0], dict(provided[1]))
                if await result.single() is None:
                    raise GraphUnavailable("another graph stands where ours did")

        async with self._writer, self._reached(seconds + _GRACE_SECONDS), self._session() as session:
            await session.execute_write(work)

    async def define(self, statement: str) -> None:
        """One statement that changes the schema, in a transaction of its own; it must be idempotent."""
        async with self._writer, self._reached(WRITE_SECONDS + _GRACE_SECONDS), self._session() as session:
            await (await session.run(statement)).consume()

    def _session(self, mode: str = neo4j.WRITE_ACCESS) -> neo4j.AsyncSession:
        database = None if self.config is None else self.config.database
        return self._open.session(database=database, default_access_mode=mode)

    @property
    def _open(self) -> neo4j.AsyncDriver:
        """Raises GraphUnavailable where nobody has said yet where the engine is."""
        if self._driver is None:
            raise self._lost("it is being started")
        return self._driver

    async def _twice(
        self, work: Callable[[], Awaitable[list[dict[str, object]]]], seconds: float
    ) -> list[dict[str, object]]:
        patience = seconds + _GRACE_SECONDS if self.available else _SILENT_SECONDS
        try:
            async with self._reached(patience, quiet=True):
                return await work()
        except _Dead:  # a pooled connection whose server was started anew since
            async with self._reached(patience):
                return await work()

    @asynccontextmanager
    async def _reached(self, seconds: float, *, quiet: bool = False) -> AsyncIterator[None]:
        """Runs its block against the clock, turns the driver's errors into ours, notes failure and recovery once."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise self._lost(f"no answer within {seconds:g} s") from error
        except AuthError as error:
            raise self._lost("it refuses the user or the password: mend [graph] user and password") from error
        except Neo4jError as error:
            code = error.code or ""
            if code.endswith(_TIMED_OUT):
                raise DeadlineExceeded("the graph query did not end in its time: ask for less") from error
            if error.is_retryable():
                raise self._lost(f"it answers {code}") from error
            self._found()
            raise Internal(f"the graph refuses a statement of ours with {code}: {error.message}") from error
        except (DriverError, OSError) as error:
            if quiet:
                raise _Dead from error
            raise self._lost(str(error) or type(error).__name__) from error
        self._found()

    def _lost(self, why: str) -> GraphUnavailable:
        if self._available is not False:
            log.warning("graph.unavailable", uri=self.config.uri if self.config else None, reason=why)
        self._available = False
        return GraphUnavailable("the graph does not answer at the moment; try again")

    def _found(self) -> None:
        if self._available is False:
            log.info("graph.recovered", uri=self.config.uri if self.config else None)
        self._available = True


def _allowed(seconds: float) -> float:
    """Raises DeadlineExceeded."""
    until = DEADLINE.get()
    if until is None:
        return seconds
    left = until - asyncio.get_running_loop().time()
    if left <= 0:
        raise DeadlineExceeded("the time for this query is over: ask for less")
    return min(seconds, left)


class _Dead(Exception):
    """The connection failed under a read that may be tried once more."""


def _driver(config: GraphConfig) -> neo4j.AsyncDriver:
    for noisy in ("neo4j.io", "neo4j.pool"):  # a lost connection is ours to log, once
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    auth = None if config.password is None else (config.user, config.password)
    try:
        return neo4j.AsyncGraphDatabase.driver(
            config.uri,
            auth=auth,
            connection_timeout=CONNECT_SECONDS,
            connection_acquisition_timeout=CONNECT_SECONDS,
            max_transaction_retry_time=5.0,
            # Told at every read of a young graph, and of every index that exists already; deprecations stay told.
            notifications_disabled_classifications=[
                neo4j.NotificationDisabledClassification.UNRECOGNIZED,
                neo4j.NotificationDisabledClassification.SCHEMA,
            ],
            user_agent="causeway",
        )
    except (ConfigurationError, ValueError) as error:
        raise Internal(f"[graph] uri {config.uri!r} is no address of a graph: {error}") from error
