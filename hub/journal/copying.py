"""Copies a journal while the hub writes to it, and puts a copy in place: SQLite's backup API, pg_dump, pg_restore."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from hub.errors import Refused, SettingsError, StorageFull
from hub.journal import engine
from hub.journal import tables as t
from hub.journal.engine import Engines
from hub.journal.verify import Chain

SQLITE_COPY = "journal.db"
POSTGRESQL_COPY = "journal.dump"
_PAGES_A_STEP = 2048
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What a copy holds: `digest` is the chain's end, `revision` the tables' shape."""

    epoch: str
    head: int
    digest: bytes
    revision: str
    batches: int  # verified


def look(connection: sa.Connection) -> Copied:
    """Verifies the chain and says what it ends in. Raises JournalCorrupt."""
    batches = Chain(connection).verify()
    meta = connection.execute(sa.select(t.meta.c.epoch, t.meta.c.head, t.meta.c.digest)).one()
    revision = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return Copied(epoch=meta.epoch, head=meta.head, digest=bytes(meta.digest), revision=str(revision), batches=batches)


def from_sqlite(journal: Path, folder: Path, progress: Progress) -> Copied:
    """The journal as it is at one moment, in one file."""
    target = folder / SQLITE_COPY
    said = -1

    def tell(_: int, remaining: int, total: int) -> None:
        nonlocal said
        done = 100 * (total - remaining) // max(total, 1)
        if done // 10 > said:
            said = done // 10
            progress(f"copied {done} %")

    copy_sqlite(journal, target, tell)
    progress("verifying the digest chain")
    with opened(target) as on_copy, on_copy.connect() as connection:
        return look(connection)


def copy_sqlite(source: Path, target: Path, tell: Callable[[int, int, int], None] | None = None) -> None:
    """One moment of a database that others write to, in one new file. Raises sqlite3.Error, OSError."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)) as reading,
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        # One snapshot for all steps: otherwise each commit of the hub would make the copy begin anew.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(copy, pages=_PAGES_A_STEP, progress=tell)
        reading.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, no log beside it


def from_postgresql(engines: Engines, folder: Path, progress: Progress) -> Copied:
    """The same by pg_dump, from the snapshot in which the chain is verified."""
    target = folder / POSTGRESQL_COPY
    with engines.read.connect() as connection, connection.begin():
        snapshot = str(connection.scalar(sa.text("SELECT pg_export_snapshot()")))
        progress("dumping the journal")
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _run("pg_dump", engines.url, ["--format=custom", f"--snapshot={snapshot}", f"--file={target}"])
        progress("verifying the digest chain")
        return look(connection)


def into_sqlite(copy: Path, restoring: Path, begin: Callable[[sa.Connection, Copied], None]) -> Copied:
    """Copies the file to `restoring`, brings it to the newest revision and verifies it; `begin` runs before it is
    committed. Raises JournalCorrupt and leaves no `restoring` behind."""
    restoring.unlink(missing_ok=True)
    try:
        os.close(os.open(restoring, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        shutil.copyfile(copy, restoring)
        with opened(restoring) as on_copy, on_copy.begin() as connection:
            engine.migrate(connection)
            found = look(connection)
            begin(connection, found)
        sync(restoring)
    except BaseException:
        restoring.unlink(missing_ok=True)
        raise
    return found


def into_postgresql(dump: Path, engines: Engines, begin: Callable[[sa.Connection, Copied], None]) -> Copied:
    """Replaces the journal's tables in one transaction of pg_restore, then as above."""
    with engines.write.connect() as connection:
        engine.hold_hub_lock(connection)
        connection.commit()
        options = ["--clean", "--if-exists", "--single-transaction", "--exit-on-error", "--no-owner"]
        _run("pg_restore", engines.url, [*options, str(dump)])
        with connection.begin():
            engine.migrate(connection)
            found = look(connection)
            begin(connection, found)
        return found


def dump(url: URL, target: Path) -> None:
    """All of a PostgreSQL database, in one new file."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    _run("pg_dump", url, ["--format=custom", f"--file={target}"])


def put_dump(url: URL, dumped: Path) -> None:
    """What was dumped, in one transaction, into a database that has none of it."""
    _run("pg_restore", url, ["--single-transaction", "--exit-on-error", "--no-owner", str(dumped)])


@contextmanager
def reachable(what: str = "journal") -> Iterator[None]:
    """Raises SettingsError where PostgreSQL does not answer."""
    try:
        yield
    except sa.exc.OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise SettingsError(f"cannot connect to the {what}'s PostgreSQL: {reason}") from error


def is_occupied(engines: Engines) -> bool:
    """Whether the database has a journal already."""
    with engines.read.connect() as connection:
        return sa.inspect(connection).has_table(t.meta.name)


def set_aside(journal: Path, name: str) -> Path:
    """Renames a journal's file, and what SQLite keeps beside it, so that it can be opened under its new name."""
    aside = journal.with_name(f"{name}{journal.suffix}")
    if aside.exists():
        raise Refused(f"{aside} exists already: look at it, then move it away")
    for ending in ("-wal", "-shm", ""):
        part = journal.with_name(journal.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    return aside


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Makes a file, or a folder's names, durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def opened(path: Path) -> Iterator[sa.Engine]:
    """An engine on one SQLite file, disposed of at the end so that no handle of it stays open."""
    made = sa.create_engine(f"sqlite:///{path}")
    try:
        yield made
    finally:
        made.dispose()


def _run(tool: str, url: URL, arguments: Sequence[str]) -> None:
    """The password goes by the environment, for a command line can be read by everyone on the machine."""
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = dict(os.environ)
    if url.password is not None:
        environment["PGPASSWORD"] = str(url.password)
    done = subprocess.run(
        [_tool(tool), "--no-password", f"--dbname={address}", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        if "No space left" in done.stderr:
            raise StorageFull(f"{tool} has no space left to write to: free some")
        raise SettingsError(f"{tool} failed: {reason}")


def _tool(name: str) -> str:
    if found := shutil.which(name):
        return found
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    if not debian:
        raise SettingsError(f"{name} is not installed: get PostgreSQL's client programs (postgresql-client)")
    return str(debian[-1])
