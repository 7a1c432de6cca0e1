"""The audit's own database: `audit.db` in the state folder, or a PostgreSQL database of its own."""

import errno
import os
import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from hub.errors import AuditUnavailable, SettingsError

FILE = "audit.db"
LOCK = 0x43415553_4155  # PostgreSQL's advisory lock around an expiry

_REASONS = {  # by SQLSTATE, the most special first
    "53100": "PostgreSQL has no space left for the audit: free space",
    "53": "PostgreSQL lacks memory or connections for the audit: raise its limits, or end what else uses them",
    "25006": "the audit's PostgreSQL can only be read, as a standby: let audit.url name the primary",
    "28": "PostgreSQL refuses the audit's user: compare audit.url and audit.password with its accounts",
}
_SQLITE = {
    sqlite3.SQLITE_FULL: "the audit's disk is full: free space",
    sqlite3.SQLITE_BUSY: "another process holds the audit's file: end it",
    sqlite3.SQLITE_CORRUPT: "the audit's file is damaged: set it aside, and keep it for `causeway audit verify`",
    sqlite3.SQLITE_NOTADB: "the audit's file is damaged: set it aside, and keep it for `causeway audit verify`",
    sqlite3.SQLITE_READONLY: "the audit's file may only be read: give the hub's account the right to write it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditConfig:
    """`url` is `sqlite` (then the file is in `folder`) or `postgresql://…`; `key` the signing key's file. A checkpoint
    is signed after `checkpoint_entries` entries, or `checkpoint_every` after the last one where something is new."""

    folder: Path
    key: Path
    url: str = "sqlite"
    checkpoint_entries: int = 1000
    checkpoint_every: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Engines:
    """`write` has one connection; `read` opens one each time."""

    write: sa.Engine
    read: sa.Engine
    file: Path | None

    def dispose(self) -> None:
        self.write.dispose()
        self.read.dispose()


def open_engines(config: AuditConfig) -> Engines:
    """Connects to nothing yet. Raises SettingsError."""
    if config.url == "sqlite":
        return _sqlite(config.folder / FILE)
    try:
        url = make_url(config.url)
    except sa.exc.ArgumentError:
        raise SettingsError("audit.url is neither `sqlite` nor a `postgresql://…` address") from None
    if url.get_backend_name() != "postgresql":
        raise SettingsError(f"audit.url names {url.get_backend_name()!r}: use `sqlite` or `postgresql://…`")
    url = url.set(drivername="postgresql+psycopg")
    arguments = {
        "connect_timeout": 5,
        "tcp_user_timeout": 10_000,
        "options": "-c statement_timeout=10000 -c lock_timeout=10000 -c synchronous_commit=on",
    }
    write = sa.create_engine(url, pool_size=1, max_overflow=0, connect_args=arguments)
    reading = {"connect_timeout": 5}
    read = sa.create_engine(url, poolclass=sa.pool.NullPool, isolation_level="REPEATABLE READ", connect_args=reading)
    return Engines(write, read, None)


def _sqlite(path: Path) -> Engines:
    def connect() -> sqlite3.Connection:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        made = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "journal_size_limit=16777216"):
                made.execute(f"PRAGMA {pragma}")
        except BaseException:
            made.close()
            raise
        return made

    url = URL.create("sqlite", database=str(path))
    write = sa.create_engine(url, creator=connect, poolclass=sa.pool.QueuePool, pool_size=1, max_overflow=0)
    read = sa.create_engine(url, creator=connect, poolclass=sa.pool.NullPool)
    sa.event.listen(write, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    sa.event.listen(read, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return Engines(write, read, path)


def unavailable(error: BaseException) -> AuditUnavailable:
    """What went wrong, in an operator's words."""
    if isinstance(error, AuditUnavailable):
        return error
    if isinstance(error, SettingsError):
        return AuditUnavailable(error.message)
    cause: Any = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        return AuditUnavailable(
            _SQLITE.get(code, f"the audit's file cannot be written ({cause}): look at disk and quota")
        )
    if isinstance(cause, OSError):
        if cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return AuditUnavailable(_SQLITE[sqlite3.SQLITE_FULL])
        return AuditUnavailable(f"the audit's file cannot be written ({cause.strerror}): look at disk and quota")
    state = getattr(cause, "sqlstate", None) or ""
    for known, what in _REASONS.items():
        if state.startswith(known):
            return AuditUnavailable(what)
    if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        return AuditUnavailable("the audit's PostgreSQL does not answer: start it, or look at the network")
    return AuditUnavailable(f"the audit's database refuses what it is given ({type(cause).__name__}): see the log")
