"""A real Neo4j Community on loopback: its kernel, Cypher and Bolt from Maven's jars, without password."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.servers.process import Process, ServerMissing, free_port

VERSION = "5.26.12"
_HERE = Path(__file__).parent / "neo4j_server"
_HOW = "a test server of Neo4j needs a JDK 17 or 21 and, for the first time, Maven: apt install default-jdk maven"


class Neo4j:
    """Keeps its data in `folder` over `kill` and `restart`."""

    def __init__(self, folder: Path, java: str, jars: Path, *, brief: bool) -> None:
        self.folder = folder
        self.port = free_port()
        self.uri = f"bolt://127.0.0.1:{self.port}"
        self._command = [
            java,
            "-Xmx1g",
            *(("-XX:TieredStopAtLevel=1",) if brief else ()),
            *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in ("java.nio", "java.io", "sun.nio.ch")),
            "-cp",
            f"{jars}/*",
            str(_HERE / "Neo4jServer.java"),
            str(folder),
        ]
        self._starts = 0
        self._process: Process | None = None

    @classmethod
    def start(cls, folder: Path, *, brief: bool = False) -> "Neo4j":
        """`brief`: for many statements that are run a few times each: Java compiles with little effort, since a short
        life does not pay for more. Raises ServerMissing where there is no JDK, or neither jars nor Maven."""
        java = shutil.which("java")
        if java is None:
            raise ServerMissing(_HOW)
        server = cls(folder.resolve(), java, _jars(), brief=brief)
        server.folder.mkdir(parents=True, exist_ok=True)
        (server.folder / "neo4j.conf").write_text(
            "server.bolt.enabled=true\n"
            f"server.bolt.listen_address=127.0.0.1:{server.port}\n"
            "dbms.security.auth_enabled=false\n"
            "dbms.usage_report.enabled=false\n"
            "server.memory.pagecache.size=128m\n"
        )
        server._run()
        return server

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _run(self) -> None:
        self._starts += 1
        self._process = Process(self._command, self.folder, name=f"neo4j-{self._starts}")
        self._process.wait_for_line(r"^Started\.", 90)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop(seconds=30)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def restart(self) -> None:
        """On the same port and data, ending what still runs."""
        self.stop()
        self._run()


def _jars() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    jars = cache / "neo4j-jars" / VERSION
    if not (jars / ".complete").exists():
        maven = shutil.which("mvn")
        if maven is None:
            raise ServerMissing(_HOW)
        fetch = [maven, "-q", "-B", "-f", str(_HERE / "pom.xml"), "dependency:copy-dependencies"]
        done = subprocess.run([*fetch, f"-DoutputDirectory={jars}"], capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise ServerMissing(f"Maven could not fetch Neo4j {VERSION}: {(done.stdout + done.stderr)[-500:]}")
        (jars / ".complete").touch()
    return jars
