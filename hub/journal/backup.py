"""Backup of the journal while the hub runs, and restore into a new epoch. Keys are never in it.

A backup is a folder: the copy, what others copy beside it, and `manifest.json`, which is written last. Key stores are
copied apart (`backup_keys`); a restore keeps the key store that is there, takes from copies what that lacks, and
honours the list of the forgotten of each.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Literal, Self

import orjson
import sqlalchemy as sa
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from hub.errors import BadRequest, JournalCorrupt, Refused, StorageFull
from hub.journal import copying, engine, position
from hub.journal.copying import Copied, Progress
from hub.journal.engine import open_engines
from hub.journal.key_tables import copy_store
from hub.journal.lock import StateLock
from hub.journal.log import JournalConfig
from hub.journal.sealing import Keyring, KeyringConfig

MANIFEST = "manifest.json"
FORMAT: Literal[2] = 2  # since 2 there are files beside the journal's

Copier = Callable[[Path, Progress], Path | None]
"""Copies something else into the folder, once the journal is copied; the file, or None where there is nothing."""
PutBack = Callable[[Path, Sequence[str]], Mapping[str, object]]
"""Takes the folder and its files beside the journal's, puts them in place, and says what it did."""


@checked(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class File:
    """`sha256` in hex, `size` bytes."""

    file: str
    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        return cls(file=path.name, size=path.stat().st_size, sha256=copying.sha256(path))

    def is_in(self, folder: Path) -> bool:
        path = folder / Path(self.file).name
        return path.exists() and path.stat().st_size == self.size and copying.sha256(path) == self.sha256


@checked(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Manifest:
    """What a backup holds; `digest` and `sha256` are SHA-256 in hex, `size` bytes."""

    format: Literal[1, 2]
    engine: Literal["sqlite", "postgresql"]
    hub: str  # its version
    revision: str  # of the tables
    made_at: datetime
    epoch: str
    head: int
    digest: str
    batches: int
    file: str
    size: int
    sha256: str
    beside: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """`head` is what the backup's was, `epoch` is new. `set_aside` is where the journal that was there went."""

    head: int
    epoch: str
    batches: int
    set_aside: str
    keys: str


async def backup(
    config: JournalConfig, folder: Path, beside: Sequence[Copier] = ()
) -> AsyncIterator[Mapping[str, object]]:
    """Lines of `progress`, then one `result`: the manifest. `folder` is made, or must be empty. Raises BadRequest,
    StorageFull, JournalCorrupt (the chain of what was copied does not hold); what was begun is then removed."""
    lines = asyncio.Queue[str | None]()
    loop = asyncio.get_running_loop()

    def tell(text: str | None) -> None:
        loop.call_soon_threadsafe(lines.put_nowait, text)

    def work() -> Manifest:
        try:
            return back_up(config, folder, tell, beside)
        finally:
            tell(None)

    running = asyncio.create_task(asyncio.to_thread(work))
    try:
        while (text := await lines.get()) is not None:
            yield {"progress": text}
    finally:
        manifest = await running
    yield {"result": asdict(manifest) | {"folder": str(folder)}}


def back_up(
    config: JournalConfig, folder: Path, progress: Progress = lambda _: None, beside: Sequence[Copier] = ()
) -> Manifest:
    """The same from a thread of one's own."""
    if folder.exists() and any(folder.iterdir()):
        raise BadRequest(f"{folder} is not empty: name a new folder for the backup")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return _back_up(config, folder, progress, beside)
    except BaseException as error:
        for begun in folder.iterdir():  # it was empty
            begun.unlink(missing_ok=True)
        if isinstance(error, sqlite3.Error | OSError) and not isinstance(error, FileNotFoundError):
            raise StorageFull(f"the backup could not be written to {folder}: {error}") from error
        raise


def _back_up(config: JournalConfig, folder: Path, progress: Progress, beside: Sequence[Copier]) -> Manifest:
    copied: Copied
    if config.url == "sqlite":
        journal = config.folder / engine.FILE
        if not journal.exists():
            raise BadRequest(f"there is no journal in {config.folder}")
        copied, file = copying.from_sqlite(journal, folder, progress), folder / copying.SQLITE_COPY
    else:
        engines = open_engines(config.url, config.folder, readers=1)
        try:
            with copying.reachable():
                copied, file = copying.from_postgresql(engines, folder, progress), folder / copying.POSTGRESQL_COPY
        finally:
            engines.dispose()
    others = [made for copier in beside if (made := copier(folder, progress)) is not None]
    for each in (file, *others):
        copying.sync(each)
    manifest = Manifest(
        format=FORMAT,
        engine="sqlite" if config.url == "sqlite" else "postgresql",
        hub=_version(),
        revision=copied.revision,
        made_at=config.clock(),
        epoch=copied.epoch,
        head=copied.head,
        digest=copied.digest.hex(),
        batches=copied.batches,
        **asdict(File.of(file)),
        beside=tuple(File.of(each) for each in others),
    )
    new = folder / (MANIFEST + ".new")
    descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    new.replace(folder / MANIFEST)
    copying.sync(folder)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Raises BadRequest (no backup, or an unfinished one), JournalCorrupt (its file is not what was written)."""
    try:
        manifest = TypeAdapter(Manifest).validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BadRequest(f"{folder} holds no finished backup: it has no {MANIFEST}") from None
    except ValidationError as error:
        raise BadRequest(f"{folder / MANIFEST} is not the manifest of a backup that this hub reads: {error}") from None
    for each in (File(file=manifest.file, size=manifest.size, sha256=manifest.sha256), *manifest.beside):
        if not each.is_in(folder):
            raise JournalCorrupt(f"{folder / each.file} is not the file that the backup wrote: take another backup")
    return manifest


def restore(
    folder: Path,
    config: JournalConfig,
    keys: KeyringConfig,
    *,
    force: bool = False,
    key_copies: Sequence[Path] = (),
    beside: PutBack = lambda folder, files: {},
) -> Mapping[str, object]:
    """Puts the backup in place of the journal, in a new epoch. `key_copies` are made by `backup_keys`. Raises
    Refused (a journal is there; `force` sets SQLite's aside and replaces PostgreSQL's), BadRequest, JournalCorrupt,
    AlreadyRunning."""
    manifest = read_manifest(folder)
    wanted = "sqlite" if config.url == "sqlite" else "postgresql"
    if manifest.engine != wanted:
        raise BadRequest(f"this is a backup of a journal on {manifest.engine} and journal.url names {wanted}")
    lock = config.lock or StateLock.take(config.folder)
    try:
        if wanted == "sqlite":
            restored = _restore_sqlite(folder, manifest, config, force=force)
        else:
            restored = _restore_postgresql(folder, manifest, config, force=force)
        position.keep(config.folder, position.Kept(epoch=restored.epoch, head=restored.head))
        restored = replace(restored, keys=_settle_keys(keys, key_copies, config))
        others = beside(folder, [each.file for each in manifest.beside])
    finally:
        if config.lock is None:
            lock.release()
    return {**{name: value for name, value in asdict(restored).items() if value != ""}, **others}


def backup_keys(keys: KeyringConfig, target: Path) -> Mapping[str, object]:
    """Copies the key store to a file, to be kept apart from journal and park key."""
    copied = copy_store(keys.store, target)
    return {"file": str(target), "keys": copied}


def _restore_sqlite(folder: Path, manifest: Manifest, config: JournalConfig, *, force: bool) -> Restored:
    journal = config.folder / engine.FILE
    occupied = journal.exists() and journal.stat().st_size > 0
    if occupied and not force:
        raise Refused(f"{journal} is there already: give another state folder, or --force to set it aside")
    restoring = journal.with_name(journal.name + ".restoring")
    epoch = _Epoch(manifest)
    copied = copying.into_sqlite(folder / manifest.file, restoring, epoch.begin)
    aside = copying.set_aside(journal, f"journal-set-aside-{config.clock():%Y%m%dT%H%M%S}") if occupied else None
    for ending in ("-wal", "-shm"):
        journal.with_name(journal.name + ending).unlink(missing_ok=True)
    restoring.replace(journal)
    copying.sync(config.folder)
    return Restored(head=copied.head, epoch=epoch.new, batches=copied.batches, set_aside=str(aside or ""), keys="")


def _restore_postgresql(folder: Path, manifest: Manifest, config: JournalConfig, *, force: bool) -> Restored:
    engines = open_engines(config.url, config.folder, readers=1)
    try:
        with copying.reachable():
            occupied = copying.is_occupied(engines)
        if occupied and not force:
            raise Refused("the database has a journal already: give an empty one, or --force to replace it")
        epoch = _Epoch(manifest)
        copied = copying.into_postgresql(folder / manifest.file, engines, epoch.begin)
        return Restored(head=copied.head, epoch=epoch.new, batches=copied.batches, set_aside="", keys="")
    finally:
        engines.dispose()


class _Epoch:
    """Begins the new epoch within the restore's transaction, if what was restored is what the manifest says."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self.new = ""

    def begin(self, connection: sa.Connection, copied: Copied) -> None:
        if (copied.head, copied.digest.hex()) != (self._manifest.head, self._manifest.digest):
            raise JournalCorrupt("the backup's log does not end where its manifest says: take another backup")
        self.new = position.start_epoch(connection).epoch


def _settle_keys(keys: KeyringConfig, copies: Sequence[Path], config: JournalConfig) -> str:
    keyring = Keyring.open(keys, clock=config.clock)
    taken = 0
    try:
        for path in copies:
            if not path.exists():
                raise BadRequest(f"there is no copy of the keys at {path}")
            other = Keyring.open(replace(keys, store=path, state=None), clock=config.clock)
            try:
                taken += keyring.absorb(other)
            finally:
                other.close()
        if keyring.made_now and not copies:
            return "a new key store was made: personal values of the backup stay unreadable without a copy of the old"
        return (
            f"the key store that is there, and {taken} keys of the copies" if copies else "the key store that is there"
        )
    finally:
        keyring.close()


def _version() -> str:
    try:
        return metadata.version("causeway")
    except metadata.PackageNotFoundError:
        return "unknown"
