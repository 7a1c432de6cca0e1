"""Starting and ending real servers: each on loopback, with its own folder and port, ended by its own process id."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class ServerMissing(RuntimeError):
    """The server is not installed on this machine; says how to get it."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: "Process", seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        process.still_running()
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port} after {seconds} s; see {process.log}")


class Process:
    """A child process whose output goes to a file in its folder."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, *, name: str, env: Mapping[str, str] | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"{name}.log"
        self.name = name
        with self.log.open("ab") as out:
            self._popen = subprocess.Popen(
                list(arguments),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, **(env or {})},
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def still_running(self) -> None:
        if self._popen.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{self.name} ended with {self._popen.returncode}:\n{tail}")

    def wait_for_line(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.log.read_text(errors="replace"), re.MULTILINE):
                return found
            self.still_running()
            time.sleep(0.05)
        raise TimeoutError(f"{self.name} did not print {pattern!r} within {seconds} s; see {self.log}")

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 20) -> int:
        if self._popen.poll() is None:
            self._popen.send_signal(how)
            try:
                self._popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        return self._popen.wait(5)

    def kill(self) -> int:
        return self.stop(signal.SIGKILL)
