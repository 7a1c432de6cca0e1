"""A tenant's list that comes by the API: put into its source's folder whole or not at all, its mapping confirmed."""

import asyncio
import contextlib
import errno
import fnmatch
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from adapters.inventory.drops import UNFINISHED
from adapters.inventory.files_config import FilesConfig
from hub.clock import Clock
from hub.errors import BadRequest, StorageFull
from hub.ingest.confirmed import confirm
from hub.ingest.imports.desk import Word
from hub.ingest.source import SourceSpec
from hub.ingest.uploads import Upload
from hub.journal.log import Journal
from hub.journal.records import HUB, Appended, Draft
from hub.reserve.items import Catalogue
from hub.reserve.lists import ADAPTER, Look, look

_LONGEST = 200  # bytes of a name, so that the unfinished file's is a name too
_FULL = (errno.ENOSPC, errno.EDQUOT)


async def upload(journal: Journal, clock: Clock, spec: SourceSpec, name: str, sent: Upload, word: Word) -> Look:
    """Puts the list there, in the place of one of that name, and says what becomes of its rows. A repeat of the key
    leaves what was put there since. Raises BadRequest, NotFound, Conflict, StorageFull, SourceError."""
    folder = _checked(spec, name, sent)
    command = word.command(["upload", spec.id, name, sent.id], {"file": name})
    unfinished = folder / f".{name}.{secrets.token_hex(4)}.part"
    try:
        await asyncio.to_thread(_copy, sent.file, unfinished)
        appended = await journal.append(Draft(source=HUB, received_at=clock(), command=command))
        if not appended.repeated or await asyncio.to_thread(_is_older, folder / name, appended):
            await asyncio.to_thread(os.replace, unfinished, folder / name)
    except OSError as error:
        raise _refused(folder, error) from error
    finally:
        await asyncio.to_thread(_remove, unfinished)
    return await looked(journal, spec, name)


async def looked(journal: Journal, spec: SourceSpec, name: str, changes: Mapping[str, str] | None = None) -> Look:
    """Raises BadRequest, NotFound, SourceError."""
    catalogue = Catalogue(journal)
    await catalogue.refresh()
    (found,) = await look(journal, spec, catalogue.rules, file=name, changes=changes, settled=False)
    return found


async def confirm_list(
    journal: Journal, clock: Clock, spec: SourceSpec, name: str, changes: Mapping[str, str], word: Word
) -> tuple[Look, Appended]:
    """The list's columns mean what is proposed, with these changes (field or `id` → column, "" for none), now and in
    every list of this header. Raises BadRequest, NotFound, Conflict, SourceError."""
    shown = await looked(journal, spec, name, changes)
    if shown.problem is not None:
        raise BadRequest(f"{name}: {shown.problem}")
    if shown.header is None or shown.mapping is None:
        raise BadRequest(f"{name}: too little of its header is recognised: say which columns are name and quantity")
    appended = await confirm(
        journal,
        spec,
        fingerprint=shown.header.fingerprint,
        header=shown.header.names,
        mapping=shown.mapping.model_dump(mode="json"),
        actor=word.actor,
        now=clock(),
        command=word.command(["confirm", spec.id, name, sorted(changes.items())], {"file": name}),
    )
    return shown, appended


def _checked(spec: SourceSpec, name: str, sent: Upload) -> Path:
    """The folder. Raises BadRequest."""
    config = spec.config
    if not isinstance(config, FilesConfig):
        raise BadRequest(f"{spec.id} reads by {spec.definition.name}; only a source of {ADAPTER} takes lists")
    if config.folder is None:
        raise BadRequest(f"{spec.id} reads its lists over SFTP: put the list on that server")
    if not name or "/" in name or "\\" in name or not name.isprintable():
        raise BadRequest(f"{name!r} is no file's name: give the name alone, without a folder")
    if len(name.encode(errors="replace")) > _LONGEST:
        raise BadRequest(f"the file's name is longer than {_LONGEST} bytes: give it a shorter one")
    if name.startswith((".", "~$")) or name.lower().endswith(UNFINISHED):
        raise BadRequest(f"{name!r} is what a program calls a file that is not finished: give the list another name")
    if not fnmatch.fnmatch(name, config.pattern):
        raise BadRequest(f"{spec.id} reads lists that are called {config.pattern!r}: name the file so")
    if sent.size > config.max_bytes:
        raise BadRequest(f"the list has more than {config.max_bytes / 1e6:g} MB (max_bytes): split it")
    return config.folder


def _copy(sent: Path, file: Path) -> None:
    with sent.open("rb") as source, file.open("xb") as stream:
        shutil.copyfileobj(source, stream, 1 << 20)
        stream.flush()
        os.fsync(stream.fileno())


def _is_older(file: Path, first: Appended) -> bool:
    """Whether the first answer's list never came to be there: the hub ended between its two steps."""
    try:
        return file.stat().st_mtime < first.recorded_at.timestamp() - _APART
    except FileNotFoundError:
        return True


_APART = 60.0  # seconds at most from a list's bytes to its command


def _remove(file: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        file.unlink()


def _refused(folder: Path, error: OSError) -> BadRequest | StorageFull:
    if error.errno in _FULL:
        return StorageFull(f"there is no room in {folder.name}: the list was not taken; make room and send it again")
    return BadRequest(f"the hub cannot write into the source's folder: {error.strerror}. Let its account write there")
