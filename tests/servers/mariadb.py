"""A real MariaDB of the tests' own: its own data folder and port, run by a user that is not root."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Self

import pymysql

from tests.servers.process import Process, ServerMissing, free_port, wait_for_port

_HOW_TO_GET_IT = "MariaDB is not installed: `apt-get install mariadb-server` (Debian), `brew install mariadb` (macOS)"
PASSWORD = "opensesame"
_INSTALL = ("--auth-root-authentication-method=normal", "--skip-test-db")
_SERVER = (
    *("--bind-address=127.0.0.1", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--skip-log-bin"),
    *("--innodb-flush-log-at-trx-commit=0", "--character-set-server=utf8mb4", "--skip-name-resolve"),
)


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise ServerMissing(_HOW_TO_GET_IT)
    return found


class MariaDb:
    """`new_database()` makes an empty one and gives its name; `user` may do all. `stop` ends it, `restart` brings it
    back with its data, and `remove` ends it for good."""

    user = "causeway"

    def __init__(self, command: Sequence[str], folder: Path, data: Path, port: int) -> None:
        self._command = command
        self._folder = folder
        self._data = data
        self._numbers = count(1)
        self.port = port
        self._process = self._started()

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Raises ServerMissing. `folder` takes the log; the data lie where the server's user can reach them."""
        server, install = _program("mariadbd"), _program("mariadb-install-db")
        data = Path(tempfile.mkdtemp(prefix="causeway-mariadb-"))
        as_user: Sequence[str] = ()
        if os.geteuid() == 0:
            try:
                account = pwd.getpwnam("mysql")
            except KeyError:
                raise ServerMissing("MariaDB does not run as root and there is no user `mysql`") from None
            os.chown(data, account.pw_uid, account.pw_gid)
            as_user = ("setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--")
        subprocess.run(
            [*as_user, install, "--no-defaults", f"--datadir={data / 'db'}", *_INSTALL],
            check=True,
            capture_output=True,
            cwd=data,
        )
        port = free_port()
        command = [*as_user, server, "--no-defaults", f"--datadir={data / 'db'}", f"--port={port}", *_SERVER]
        made = cls([*command, f"--socket={data / 'sock'}", f"--pid-file={data / 'pid'}"], folder, data, port)
        made.execute(f"CREATE USER '{cls.user}'@'%' IDENTIFIED BY '{PASSWORD}'", as_root=True)
        made.execute(f"GRANT ALL ON *.* TO '{cls.user}'@'%'", as_root=True)
        return made

    def _started(self) -> Process:
        process = Process(self._command, self._folder, name="mariadb")
        wait_for_port(self.port, process)
        return process

    def execute(self, *statements: str, database: str | None = None, as_root: bool = False) -> None:
        user, password = ("root", "") if as_root else (self.user, PASSWORD)
        with pymysql.connect(host="127.0.0.1", port=self.port, user=user, password=password, database=database) as made:
            with made.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            made.commit()

    def new_database(self) -> str:
        name = f"stock_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def stop(self) -> None:
        self._process.stop()

    def restart(self) -> None:
        self._process = self._started()

    def remove(self) -> None:
        self._process.kill()
        shutil.rmtree(self._data, ignore_errors=True)
