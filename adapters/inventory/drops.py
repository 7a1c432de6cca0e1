"""Where tenants put their lists: a folder of this machine, or one behind SFTP whose host key is known."""

import asyncio
import contextlib
import fnmatch
import stat
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from adapters.contract import Unreachable
from adapters.inventory.files_config import FilesConfig

UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    name: str
    size: int
    modified: float  # seconds since 1970

    @property
    def stamp(self) -> list[float]:
        """Another one whenever the file is."""
        return [self.size, self.modified]


class Drop(Protocol):
    """Every method may raise SourceError."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def listed(self) -> Sequence[Dropped]:
        """The files there, whatever they are."""
        ...

    def fetched(self, file: Dropped) -> contextlib.AbstractAsyncContextManager[Path]:
        """The file on this machine, for as long as it is entered."""
        ...


def drop_of(config: FilesConfig) -> Drop:
    if config.sftp is None:
        return _Folder(config.folder or Path())
    from adapters.inventory.sftp import SftpDrop  # its library takes 19 MB, which a folder need not cost

    return SftpDrop(config.sftp, config)


def wanted(files: Sequence[Dropped], config: FilesConfig, now: float) -> list[Dropped]:
    """Those that match, are whole and no editor's scratch file, oldest first; the newest alone where it is all."""
    found = [
        file
        for file in files
        if fnmatch.fnmatch(file.name, config.pattern)
        and not file.name.startswith((".", "~$"))
        and not file.name.lower().endswith(UNFINISHED)
        and not 0 <= now - file.modified < config.settle_seconds
    ]
    found.sort(key=lambda file: (file.modified, file.name))
    return found[-1:] if config.take == "newest" else found


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def open(self) -> None:
        await self.listed()

    async def close(self) -> None:
        """Nothing is held open."""

    async def listed(self) -> Sequence[Dropped]:
        return await asyncio.to_thread(self._list)

    def _list(self) -> list[Dropped]:
        try:
            found = []
            for path in self._folder.iterdir():
                with contextlib.suppress(FileNotFoundError):  # it went while the folder was read
                    status = path.stat()
                    if stat.S_ISREG(status.st_mode):
                        found.append(Dropped(name=path.name, size=status.st_size, modified=status.st_mtime))
        except OSError as error:
            raise Unreachable(
                f"the folder {self._folder} cannot be read: {error.strerror}. Is it mounted, and may the hub read it?"
            ) from error
        return found

    @contextlib.asynccontextmanager
    async def fetched(self, file: Dropped) -> AsyncIterator[Path]:
        yield self._folder / file.name
