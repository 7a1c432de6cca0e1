"""A real PostgreSQL of the tests' own: its own data folder and port, run by a user that is not root."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Self

from tests.servers.process import Process, ServerMissing, free_port

_HOW_TO_GET_IT = (
    "PostgreSQL is not installed: `apt-get install postgresql` (Debian), `brew install postgresql` (macOS), or put its "
    "bin folder on PATH"
)


_INITDB = ("-A", "trust", "-U", "postgres", "-N", "--encoding=UTF8", "--locale=C")
_SERVER = (
    *("-k", "", "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=32MB", "-c", "max_connections=60"),
    *("-c", "fsync=off"),  # the disk's part, and no test cuts its power: each new database would cost seconds
)


def _bin() -> Path:
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise ServerMissing(_HOW_TO_GET_IT)
    return versions[-1].parent


class Postgres:
    """`new_database()` gives the URL of an empty database; `stop` ends the server and removes its data."""

    def __init__(self, process: Process, binaries: Path, folder: Path, port: int) -> None:
        self._process = process
        self._numbers = count(1)
        self.bin = binaries
        self.folder = folder
        self.port = port

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Raises ServerMissing. `folder` takes the log; the data lie where the server's user can reach them."""
        binaries = _bin()
        data = Path(tempfile.mkdtemp(prefix="causeway-postgres-"))
        as_user: Sequence[str] = ()
        if os.geteuid() == 0:
            try:
                user = pwd.getpwnam("postgres")
            except KeyError:
                raise ServerMissing("PostgreSQL does not run as root and there is no user `postgres`") from None
            os.chown(data, user.pw_uid, user.pw_gid)
            as_user = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--")
        subprocess.run(
            [*as_user, str(binaries / "initdb"), "-D", str(data / "db"), *_INITDB],
            check=True,
            capture_output=True,
            cwd=data,
        )
        port = free_port()
        process = Process(
            [*as_user, str(binaries / "postgres"), "-D", str(data / "db"), "-p", str(port), *_SERVER],
            folder,
            name="postgres",
        )
        server = cls(process, binaries, data, port)
        process.wait_for_line("ready to accept connections")
        return server

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The URL of a database that is empty."""
        name = f"park_{next(self._numbers)}"
        subprocess.run(
            [str(self.bin / "createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name],
            check=True,
            capture_output=True,
        )
        return self.url(name)

    def stop(self) -> None:
        """Ends it at once, whoever is connected: nobody needs its data any more."""
        self._process.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
