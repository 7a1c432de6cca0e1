"""A real Hive Gateway (npm's @graphql-hive/gateway) with the configuration of examples/gateway, on loopback."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.process import Process, ServerMissing, free_port, wait_for_port

GATEWAY = Path(__file__).resolve().parents[2] / "examples" / "gateway"


class HiveGateway:
    """`folder` holds its subgraphs.json and what was composed of it. It may be stopped and started again."""

    def __init__(self, folder: Path, subgraphs: Sequence[Mapping[str, object]]) -> None:
        """Raises ServerMissing where there is no Node, or the package is not installed."""
        node = shutil.which("node")
        if node is None or not (GATEWAY / "node_modules").is_dir():
            raise ServerMissing("Hive Gateway needs Node and its package: tests/servers/prepare")
        self._node = node
        self._folder = folder
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "subgraphs.json").write_text(json.dumps(subgraphs), encoding="utf-8")
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    def compose(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._node, str(GATEWAY / "compose.js")],
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self) -> None:
        program = GATEWAY / "node_modules" / ".bin" / "hive-gateway"
        command = [self._node, str(program), "supergraph", "--config-path", str(GATEWAY / "gateway.config.js")]
        environment = {"GATEWAY_PORT": str(self.port), "NODE_ENV": "production"}
        self._process = Process(command, self._folder, name="gateway", env=environment)
        wait_for_port(self.port, self._process)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
