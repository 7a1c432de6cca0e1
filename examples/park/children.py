"""The demo's child processes: each on loopback, its output in a file, ended by its own process id."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BROKER = """\
listeners:
  default:
    type: tcp
    bind: 127.0.0.1:{port}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
"""


class MissingBroker(RuntimeError):
    """The demo's broker is not installed."""


def free_ports(count: int) -> Sequence[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


class Children:
    """Starts, kills and ends the demo's processes by name; logs lie in `folder`/logs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def cabinets(self, side: str, port: int, seed: int) -> None:
        script = str(HERE / "cabinets.py")
        self._start(f"cabinets-{side}", [sys.executable, script, "--port", str(port), "--seed", str(seed)])

    def broker(self, port: int) -> None:
        """The broker of the demo's own environment."""
        program = ROOT / ".envs" / "demo" / "bin" / "amqtt"
        if not program.exists():
            raise MissingBroker("the demo's broker is not installed; run it by `make demo`, which installs it")
        config = self.folder / "broker.yaml"
        config.write_text(BROKER.format(port=port), encoding="utf-8")
        self._start("broker", [str(program), "-c", str(config)])

    def hub(self, park_file: Path) -> None:
        self._start("hub", [sys.executable, "-m", "hub.cli", "serve", "--config", str(park_file)])

    async def command(self, *arguments: str) -> tuple[int, str]:
        """A `causeway` command's exit status and output."""
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hub.cli",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "TERM": "dumb", "COLUMNS": "200"},
        )
        out, _ = await child.communicate()
        return child.returncode or 0, out.decode(errors="replace")

    def kill(self, name: str) -> None:
        """kill -9, as a power cut would."""
        child = self._running.pop(name)
        child.kill()
        child.wait()

    def alive(self, name: str) -> bool:
        return name in self._running and self._running[name].poll() is None

    def memory(self, name: str) -> int:
        """The process's resident memory, in MB."""
        status = Path(f"/proc/{self._running[name].pid}/status").read_text(encoding="utf-8")
        return int(status.split("VmRSS:")[1].split()[0]) // 1024

    async def listening(self, port: int, seconds: float = 30) -> None:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return

    def stop(self) -> None:
        """The hub first, so that it ends its graph engine and acknowledges what it took."""
        for name in sorted(self._running, key=lambda n: n != "hub"):
            child = self._running[name]
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
                try:
                    child.wait(20)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
        self._running.clear()

    def tail(self, name: str, characters: int = 2000) -> str:
        path = self.logs / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace")[-characters:] if path.exists() else ""

    def _start(self, name: str, arguments: Sequence[str]) -> None:
        with (self.logs / f"{name}.log").open("ab") as out:
            self._running[name] = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
