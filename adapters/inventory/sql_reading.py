"""A tenant's database as the adapter asks it: one synchronous connection on a thread of its own, that only reads.

One way for all dialects: drivers that know asyncio differ, and a poll a minute needs none. Each call is bounded by
the database's own statement timeout where it has one, and by cutting the connection where it does not answer.
"""

import asyncio
import contextlib
import os
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import sqlalchemy as sa

from adapters.contract import SourceError, Unreachable
from adapters.inventory.sql_config import SqlConfig
from adapters.inventory.sql_cursor import Mark, Stamp, bound
from adapters.inventory.sql_errors import explain

MARGIN = 3.0
"""Seconds past the statement timeout, after which the connection is cut."""
_CONNECT = 5  # seconds
_OPCODES = 100_000  # of SQLite between two looks at the time
T = TypeVar("T")
Row = Mapping[str, object]


class Reading:
    """Open it, ask, close it; the methods are to be awaited one after the other."""

    def __init__(self, config: SqlConfig) -> None:
        self._config = config
        self._url = sa.make_url(config.url)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stock-sql")
        self._engine: sa.Engine | None = None
        self._raw: Any = None  # the driver's own connection
        self._deadline = 0.0  # of the statement that runs; SQLite has no timeout of its own
        columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in config.selected()]
        # A colon would begin a parameter: a query has none.
        stock = sa.text(config.query.replace(":", r"\:")).columns(*columns).subquery("stock")
        self._rows = sa.select(*(stock.c[name] for name in config.selected()))
        self._id = stock.c[config.id]
        self._at = stock.c[config.updated_at] if config.updated_at else None

    async def open(self) -> None:
        """Connects. Raises SourceError."""
        try:
            secret = self._config.password.reveal() if self._config.password else None
        except LookupError as error:
            raise SourceError(f"the password of {self._url.render_as_string()} is not to be had: {error}") from error
        await self._do(lambda: self._connect(self._url if secret is None else self._url.set(password=secret)))

    async def close(self) -> None:
        """Also while a statement runs, which is then cut off."""
        self._cut()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._dispose)
        self._thread.shutdown(wait=False)

    async def version(self) -> str:
        """The server's, after one row was asked for, so that a missing column shows. Raises SourceError."""

        def ask() -> str:
            with self._reading() as connection:
                connection.execute(self._rows.limit(1)).all()
                info = connection.dialect.server_version_info or ()
                return f"{connection.dialect.name} {'.'.join(str(part) for part in info)}".strip()

        return await self._do(ask)

    async def page(self, since: Stamp | None, after: Mark | None) -> Sequence[Row]:
        """The rows behind `after`, or else from `since` on, by time of change and id. Raises SourceError."""
        if self._at is None:
            raise TypeError("a table without a time of change is read whole")
        query = self._rows.order_by(self._at, self._id).limit(self._config.page_rows)
        if after is not None:
            at, id_ = bound(after.at), bound(after.id)
            query = query.where(sa.or_(self._at > at, sa.and_(self._at == at, self._id > id_)))
        elif since is not None:
            query = query.where(self._at >= bound(since))
        else:
            query = query.where(self._at.is_not(None))

        def fetch() -> Sequence[Row]:
            with self._reading() as connection:
                return list(map(dict, connection.execute(query).mappings()))

        return await self._do(fetch)

    async def whole(self) -> AsyncIterator[Sequence[Row]]:
        """All rows, page by page, by one statement and so of one moment. Raises SourceError."""
        pages = self._whole()
        try:
            while (page := await self._do(lambda: next(pages, None))) is not None:
                yield page
        finally:
            await self._do(pages.close)

    async def _do(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        allowed = self._config.timeout_seconds
        self._deadline = loop.time() + allowed
        future = loop.run_in_executor(self._thread, self._explained, work)
        future.add_done_callback(_noticed)
        done, _ = await asyncio.wait({future}, timeout=allowed + MARGIN)
        if not done:
            self._cut()
            raise Unreachable(
                f"{self._where} has not answered for {allowed + MARGIN:g} s, and the connection was dropped: is it "
                "overloaded, or the way to it cut?"
            )
        return future.result()

    @property
    def _where(self) -> str:
        return self._url.render_as_string(hide_password=True)

    def _cut(self) -> None:
        """From the loop's thread: ends what the other one waits for, as far as the driver lets it."""
        raw = self._raw
        if isinstance(raw, sqlite3.Connection):
            with contextlib.suppress(sqlite3.ProgrammingError):  # it is closed
                raw.interrupt()
        elif raw is not None and hasattr(raw, "fileno") and not raw.closed:
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(raw.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

    # ---- on the thread

    def _explained(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise explain(error, self._url) from error

    def _connect(self, url: sa.URL) -> None:
        try:
            self._engine = engine = sa.create_engine(url, pool_pre_ping=True, **self._options(url))
        except (sa.exc.NoSuchModuleError, ModuleNotFoundError) as error:
            raise SourceError(
                f"the driver for {url.drivername} is not installed ({error}): install it beside the hub, and name it "
                "in the url as DIALECT+DRIVER://…"
            ) from error
        sa.event.listen(engine, "connect", self._connected)
        engine.connect().close()

    def _options(self, url: sa.URL) -> dict[str, Any]:
        wait = int(self._config.timeout_seconds + MARGIN)
        if url.get_backend_name() == "sqlite":
            file = f"file:{quote(str(url.database))}?mode=ro"
            # Opened anew for each poll: a file that a nightly copy replaces stays the old one for who holds it open.
            opened = partial(sqlite3.connect, file, uri=True, timeout=_CONNECT)
            return {"creator": opened, "poolclass": sa.NullPool}
        if url.get_driver_name() == "psycopg":
            return {"connect_args": {"connect_timeout": _CONNECT}}
        if url.get_driver_name() == "pymysql":
            return {"connect_args": {"connect_timeout": _CONNECT, "read_timeout": wait, "write_timeout": wait}}
        return {}

    def _connected(self, raw: Any, _: object) -> None:
        self._raw = raw
        if isinstance(raw, sqlite3.Connection):
            raw.set_progress_handler(lambda: int(time.monotonic() > self._deadline), _OPCODES)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """A transaction that can write nothing, and in which no statement runs too long."""
        if self._engine is None:
            raise SourceError("the adapter was not entered")
        milliseconds = int(self._config.timeout_seconds * 1000)
        with self._engine.connect() as connection:
            dialect = connection.dialect
            if dialect.name == "postgresql":
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
            elif dialect.name in {"mysql", "mariadb"}:
                connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
                limit = (
                    f"max_statement_time = {milliseconds / 1000}"
                    if getattr(dialect, "is_mariadb", False)
                    else f"max_execution_time = {milliseconds}"
                )
                connection.exec_driver_sql(f"SET SESSION {limit}")
            yield connection

    def _whole(self) -> Generator[Sequence[Row], None, None]:
        size = self._config.page_rows
        with self._reading() as connection:
            streaming = connection.execution_options(stream_results=True, max_row_buffer=size)
            for part in streaming.execute(self._rows).mappings().partitions(size):
                yield list(map(dict, part))

    def _dispose(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def _noticed(future: "asyncio.Future[Any]") -> None:
    """Who asked may be gone: then nobody else takes note of the error."""
    if not future.cancelled():
        future.exception()
