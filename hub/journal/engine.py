"""Opens the journal's database: SQLite in the state folder, or PostgreSQL, with the newest revision applied."""

import errno
import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import URL, make_url

from hub.errors import AlreadyRunning, SettingsError, StorageFull

FILE = "journal.db"
MIGRATIONS = Path(__file__).parents[2] / "migrations" / "sql"
HUB_LOCK = 0x43415553_4855  # PostgreSQL's advisory locks are numbers: the hub's own, while it runs,
APPEND_LOCK = 0x43415553_4150  # and the one around numbering and insert
CHANNEL = "causeway_journal"

Dialect = Literal["sqlite", "postgresql"]

_AWAY = "the journal's database is away: PostgreSQL does not answer. Start it, or look at the network"
_POSTGRESQL = {  # by SQLSTATE, the most special first
    "53100": "PostgreSQL has no space left for the journal: free space",
    "53": "PostgreSQL lacks memory or connections for the journal: raise its limits, or end what else uses them",
    "25006": "the journal's PostgreSQL can only be read, as a standby: let journal.url name the primary",
    "28": "PostgreSQL refuses the journal's user: compare journal.url and journal.password with its accounts",
}
_REFUSED = "authentication failed", "no password supplied", "no pg_hba.conf entry"
"""What is said before there is a connection comes without SQLSTATE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """`write` has the one connection that appends; `read` gives connections that see one committed state each."""

    dialect: Dialect
    write: sa.Engine
    read: sa.Engine
    url: URL

    def dispose(self) -> None:
        self.read.dispose()
        self.write.dispose()


def open_engines(url: str, folder: Path, *, readers: int) -> Engines:
    """`url` is `sqlite` (then the file is in `folder`) or `postgresql://…`."""
    if url == "sqlite":
        return _sqlite(folder, readers)
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError:
        raise SettingsError("journal.url is neither `sqlite` nor a `postgresql://…` address") from None
    if parsed.get_backend_name() != "postgresql":
        raise SettingsError(f"journal.url names {parsed.get_backend_name()!r}: use `sqlite` or `postgresql://…`")
    return _postgresql(parsed.set(drivername="postgresql+psycopg"), readers)


def _sqlite(folder: Path, readers: int) -> Engines:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    path = folder / FILE
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))  # -wal and -shm take its mode

    def connect(cache: int = 2048) -> sqlite3.Connection:
        made = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("PRAGMA synchronous=FULL")
        made.execute("PRAGMA foreign_keys=ON")
        made.execute(f"PRAGMA cache_size=-{cache}")  # KiB; behind it stands the system's
        made.execute("PRAGMA wal_autocheckpoint=8000")  # pages: readings touch a page a series, again and again
        made.execute("PRAGMA journal_size_limit=67108864")
        return made

    url = URL.create("sqlite", database=str(path))
    write = sa.create_engine(
        url, creator=lambda: connect(8192), poolclass=sa.pool.QueuePool, pool_size=1, max_overflow=0
    )
    read = sa.create_engine(url, creator=connect, poolclass=sa.pool.QueuePool, pool_size=readers, max_overflow=0)
    sa.event.listen(write, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    sa.event.listen(read, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return Engines(dialect="sqlite", write=write, read=read, url=url)


def _postgresql(url: URL, readers: int) -> Engines:
    write = sa.create_engine(url, pool_size=1, max_overflow=0)
    read = sa.create_engine(
        url, pool_size=readers, max_overflow=0, pool_pre_ping=True, isolation_level="REPEATABLE READ"
    )
    return Engines(dialect="postgresql", write=write, read=read, url=url)


def migrate(connection: sa.Connection) -> None:
    """Brings the schema to the newest revision, within the connection's transaction."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def hold_hub_lock(connection: sa.Connection, *, patience: float = 3.0) -> None:
    """PostgreSQL: a session's lock that ends with the connection. Raises AlreadyRunning where another hub has it
    after `patience` seconds: a server needs a moment to see that a killed hub's connection is gone."""
    deadline = time.monotonic() + patience
    while not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(HUB_LOCK))):
        if time.monotonic() > deadline:
            raise AlreadyRunning("another hub already runs on this PostgreSQL journal: stop it first")
        time.sleep(0.1)


def storage_problem(error: BaseException) -> StorageFull | None:
    """What a failed write means, if the database rather than the draft is to blame."""
    cause: Any = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            return StorageFull("the journal's disk is full: free space; nothing was acknowledged")
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
            return StorageFull(f"the journal's disk fails ({cause}): look at disk and quota; nothing was acknowledged")
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            return StorageFull("another process holds the journal's file: end it; nothing was acknowledged")
        return None
    if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("the journal's disk is full: free space; nothing was acknowledged")
    state = getattr(cause, "sqlstate", None) or ""
    for known, what in _POSTGRESQL.items():
        if state.startswith(known):
            return StorageFull(f"{what}; nothing was acknowledged")
    if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        refused = any(words in str(cause) for words in _REFUSED)
        return StorageFull(f"{_POSTGRESQL['28'] if refused else _AWAY}; nothing was acknowledged")
    return None


def notify(connection: sa.Connection, head: int) -> None:
    """PostgreSQL: tells listeners, at the commit, how far the log has come."""
    connection.execute(sa.select(sa.func.pg_notify(CHANNEL, str(head))))
