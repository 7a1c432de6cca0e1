"""Files that people send, kept in the state folder until something is made of them: named by their content's SHA-256.

Who knows the name had the file: it cannot be guessed. A file that nobody used for an hour is dropped.
"""

import asyncio
import contextlib
import errno
import hashlib
import os
import re
import secrets
import time
from collections.abc import AsyncIterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hub.errors import BadRequest, NotFound, Refused, StorageFull

KEPT_SECONDS = 3600.0
"""Since it was sent, or last used."""
_MOST_WAITING = 10
"""So many times the limit may lie there at once."""
_ID = re.compile(r"[0-9a-f]{64}")
_FULL = (errno.ENOSPC, errno.EDQUOT)


class TooLarge(BadRequest):
    """More bytes than are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """`id` is the SHA-256 of its bytes, in hexadecimal."""

    id: str
    file: Path
    size: int


class Uploads:
    """`folder` is made at first use; `limit`: bytes of one file."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self.limit = limit

    async def receive(self, chunks: AsyncIterable[bytes]) -> Upload:
        """Whole or not at all. Raises TooLarge, BadRequest, Refused, StorageFull."""
        try:
            return await self._receive(chunks)
        except OSError as error:
            if error.errno in _FULL:
                raise StorageFull("there is no room for the file: make room, and send it again") from error
            raise

    async def _receive(self, chunks: AsyncIterable[bytes]) -> Upload:
        await asyncio.to_thread(self._make_room)
        part = self._folder / f".{secrets.token_hex(8)}.part"
        digest, size = hashlib.sha256(), 0
        stream = await asyncio.to_thread(part.open, "xb")
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > self.limit:
                    raise TooLarge(f"the file has more than {self.limit:,} bytes ([web] upload_limit): part it")
                await asyncio.to_thread(_put, stream, chunk, digest)
            if not size:
                raise BadRequest("the file is empty: send its bytes as the body")
            file = self._folder / digest.hexdigest()
            await asyncio.to_thread(_finish, stream, part, file)
        finally:
            stream.close()
            with contextlib.suppress(FileNotFoundError):
                await asyncio.to_thread(part.unlink)
        return Upload(id=file.name, file=file, size=size)

    async def send(self, file: Path) -> Upload:
        """One that lies on this machine. Raises as `receive`, and OSError."""
        with file.open("rb") as stream:

            async def chunks() -> AsyncIterable[bytes]:
                while chunk := await asyncio.to_thread(stream.read, 1 << 20):
                    yield chunk

            return await self.receive(chunks())

    async def find(self, id_: str) -> Upload:
        """It stays for another hour. Raises NotFound."""
        return await asyncio.to_thread(self._find, id_)

    def _find(self, id_: str) -> Upload:
        file = self._folder / id_
        try:
            if not _ID.fullmatch(id_):
                raise FileNotFoundError
            os.utime(file)
            return Upload(id=id_, file=file, size=file.stat().st_size)
        except FileNotFoundError:
            raise NotFound(
                f"there is no upload {id_[:80]!r}, or nobody used it for an hour: send the file by POST /uploads, and "
                "give the id that it answers"
            ) from None

    async def expire(self) -> int:
        """Drops what nobody used for an hour; how many."""
        return await asyncio.to_thread(self._expire)

    def _expire(self) -> int:
        dropped = 0
        for file in self._folder.iterdir() if self._folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):
                if time.time() - file.stat().st_mtime > KEPT_SECONDS:
                    file.unlink()
                    dropped += 1
        return dropped

    async def clear(self) -> None:
        """Drops all: after an erasure, for a table may name whom it was about."""
        await asyncio.to_thread(self._clear)

    def _clear(self) -> None:
        for file in self._folder.iterdir() if self._folder.is_dir() else ():
            file.unlink(missing_ok=True)

    def _make_room(self) -> None:
        """Raises Refused where too much waits already."""
        self._folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.mkdir(exist_ok=True, mode=0o700)
        self._expire()
        if sum(file.stat().st_size for file in self._folder.iterdir()) > _MOST_WAITING * self.limit:
            raise Refused("too many uploads wait to be used: try again in an hour, or use those that were sent")


def _put(stream: BinaryIO, chunk: bytes, digest: "hashlib._Hash") -> None:
    digest.update(chunk)
    stream.write(chunk)


def _finish(stream: BinaryIO, part: Path, file: Path) -> None:
    stream.flush()
    os.fsync(stream.fileno())
    part.replace(file)
