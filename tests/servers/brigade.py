"""The example department (examples/department) as a process of its own, on loopback."""

import subprocess
import sys
from pathlib import Path

from tests.servers.process import Process, free_port, wait_for_port

DEPARTMENT = Path(__file__).resolve().parents[2] / "examples" / "department"


class Brigade:
    """It takes the tokens of the hub at `issuer`; anyone's word where that is None."""

    def __init__(self, folder: Path, issuer: str | None) -> None:
        self.port = free_port()
        self.store = folder / "brigade.db"
        command = [*_COMMAND, "serve", "--port", str(self.port), "--store", str(self.store)]
        if issuer is not None:
            command += ["--issuer", issuer]
        self._process = Process(command, folder, name="brigade", env={"PYTHONPATH": str(DEPARTMENT)})
        wait_for_port(self.port, self._process)

    def add(self, call_sign: str, station: str) -> str:
        """The engine's id."""
        return _run("add", call_sign, "--kind", "FOAM", "--station", station, "--store", str(self.store)).strip()

    def stop(self) -> None:
        self._process.stop()


_COMMAND = [sys.executable, "-m", "brigade"]


def schema() -> str:
    return _run("schema")


def _run(*words: str) -> str:
    done = subprocess.run([*_COMMAND, *words], cwd=DEPARTMENT, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout
