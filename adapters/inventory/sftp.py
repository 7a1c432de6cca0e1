"""A tenant's lists on a server behind SFTP, whose host key is known."""

import asyncio
import contextlib
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import asyncssh

from adapters.contract import CertificateRefused, CredentialsRefused, SourceError, Unreachable, Unreadable
from adapters.inventory.drops import Dropped
from adapters.inventory.files_config import FilesConfig, Sftp

_PIECE = 1 << 18


class SftpDrop:
    def __init__(self, sftp: Sftp, config: FilesConfig) -> None:
        self._sftp = sftp
        self._most = config.max_bytes
        self._seconds = config.timeout_seconds
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None

    @property
    def _where(self) -> str:
        return f"sftp://{self._sftp.user}@{self._sftp.host}:{self._sftp.port}"

    async def open(self) -> None:
        sftp = self._sftp
        with self._told():
            password, keys = self._secrets()
            async with asyncio.timeout(self._seconds):
                self._connection = await asyncssh.connect(
                    sftp.host,
                    sftp.port,
                    username=sftp.user,
                    password=password,
                    client_keys=keys,
                    known_hosts=asyncssh.import_known_hosts(f"[{sftp.host}]:{sftp.port} {sftp.host_key}\n"),
                    agent_path=None,
                    config=None,
                    keepalive_interval=10,
                )
                self._client = await self._connection.start_sftp_client()

    def _secrets(self) -> tuple[str | None, list[asyncssh.SSHKey] | None]:
        try:
            password = self._sftp.password.reveal() if self._sftp.password else None
            key = self._sftp.key.reveal() if self._sftp.key else None
        except LookupError as error:
            raise SourceError(f"the secret of {self._where} is not to be had: {error}") from error
        try:
            return password, None if key is None else [asyncssh.import_private_key(key)]
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise SourceError(f"the private key for {self._where} cannot be used: {error}") from error

    async def close(self) -> None:
        if self._client is not None:
            self._client.exit()
        if self._connection is not None:
            self._connection.abort()
            await self._connection.wait_closed()
        self._client = self._connection = None

    @property
    def _opened(self) -> asyncssh.SFTPClient:
        if self._client is None:
            raise RuntimeError("enter the adapter first")
        return self._client

    async def listed(self) -> Sequence[Dropped]:
        found = []
        with self._told():
            async with asyncio.timeout(self._seconds):
                for each in await self._opened.readdir(self._sftp.path):
                    if each.attrs.permissions is not None and stat.S_ISREG(each.attrs.permissions):
                        size, modified = each.attrs.size or 0, float(each.attrs.mtime or 0)
                        found.append(Dropped(name=str(each.filename), size=size, modified=modified))
        return found

    @contextlib.asynccontextmanager
    async def fetched(self, file: Dropped) -> AsyncIterator[Path]:
        """Raises Unreadable for one that is longer than may be."""
        with tempfile.NamedTemporaryFile(suffix=Path(file.name).suffix) as copy:
            with self._told():
                async with self._opened.open(f"{self._sftp.path.rstrip('/')}/{file.name}", "rb") as stream:
                    length = 0
                    while True:
                        async with asyncio.timeout(self._seconds):
                            piece = await stream.read(_PIECE)
                        if not piece:
                            break
                        length += len(piece)
                        if length > self._most:
                            raise Unreadable(f"the file has more than {self._most / 1e6:.0f} MB (max_bytes): split it")
                        copy.write(piece if isinstance(piece, bytes) else piece.encode())
            copy.flush()
            yield Path(copy.name)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        where = self._where
        try:
            yield
        except asyncssh.HostKeyNotVerifiable as error:
            raise CertificateRefused(
                f"{where} shows another host key than the source's host_key. If the server was set up anew, ask its "
                f"owner for the new key and compare it with `ssh-keyscan -p {self._sftp.port} {self._sftp.host}`"
            ) from error
        except asyncssh.PermissionDenied as error:
            raise CredentialsRefused(
                f"{where} refuses the user or its secret; put the right one where the source's key or password points"
            ) from error
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied) as error:
            raise SourceError(
                f"{where}: {self._sftp.path} cannot be read: {error.reason}; mend the path, or ask for access"
            ) from error
        except (asyncssh.Error, OSError) as error:
            said = str(error) or type(error).__name__
            raise Unreachable(
                f"{where} does not answer: {said}. Is it running, and can this machine reach it?"
            ) from error
