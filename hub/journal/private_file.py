"""A file that holds a key: made once, for its owner alone, and on disk when it returns."""

import os
from pathlib import Path


def make(path: Path, data: bytes) -> None:
    """Raises OSError, FileExistsError among it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
