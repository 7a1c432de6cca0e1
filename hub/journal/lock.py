"""One hub at a time on a state folder: a lock that the kernel drops when its holder dies."""

import fcntl
import os
from pathlib import Path
from typing import Self

from hub.errors import AlreadyRunning

NAME = "hub.lock"


class StateLock:
    """Holds `<state folder>/hub.lock` until `release`, or until the process ends, however it ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, folder: Path) -> Self:
        """Raises AlreadyRunning, naming the holder's process id, where another process (or this one) holds it."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / NAME
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise AlreadyRunning(
                f"process {holder} already runs on {folder}: stop it first, or give this one another state folder"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(path, descriptor)

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
