"""A park of the failure tests' own: the real hub as a child process, its park file, and what one can ask of it."""

import asyncio
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from hub.graph.embedded import DATABASE
from hub.graph.store import GraphConfig, Store
from tests.graph.conftest import dump
from tests.servers.process import Process, free_port

T = TypeVar("T")

HOT = 70.0  # degrees Celsius at which the park's one limit rule opens an alert

RULES = f"""
[[limit]]
id = "hot"
quantity = "temperature"
unit = "Cel"
direction = "high"
limit = {HOT}
hysteresis = 5
severity = "SEVERE"
code = "temperature_high"

[[source]]
id = "source-lost"
severity = "MODERATE"
code = "source_unavailable"
"""

QUANTITIES = """
[[quantity]]
name = "number"
unit = "1"

[[quantity]]
name = "temperature"
unit = "Cel"

[[quantity]]
name = "humidity"
unit = "%"
"""

BROKER = """
[[source]]
id = "broker"
adapter = "mqtt"
expect_within = "{expect_within}"
[source.config]
host = "127.0.0.1"
port = {port}
max_payload = 100000
[[source.config.subscriptions]]
topic = "timed/{{sensor}}"
format = "json"
time_path = "at"
time_format = "epoch_ms"
[[source.config.subscriptions.values]]
path = "n"
quantity = "number"
[[source.config.subscriptions.values]]
path = "t"
quantity = "temperature"
unit = "Cel"
optional = true
[[source.config.subscriptions]]
topic = "counted/{{sensor}}"
format = "json"
number_path = "n"
values = [{{ path = "n", quantity = "number" }}]
[[source.config.subscriptions]]
topic = "bare/{{sensor}}"
format = "number"
quantity = "number"
"""

CABINET = """
[[source]]
id = "cabinet"
adapter = "modbus"
every = "200ms"
expect_within = "{expect_within}"
[source.config]
timeout_seconds = 1.0
devices = [{{ name = "cabinet", host = "127.0.0.1", port = {port}, map = "cabinet" }}]
[[source.config.maps.cabinet.registers]]
name = "number"
table = "holding_register"
address = 0
type = "uint32"
[[source.config.maps.cabinet.registers]]
name = "temperature"
table = "holding_register"
address = 2
type = "int16"
scale = 0.1
unit = "Cel"
"""


@dataclass(kw_only=True)
class Park:
    """`folder` takes the park file and the state. One hub at a time runs; `close` ends it and its graph engine."""

    folder: Path
    broker: int | None = None  # the port of its MQTT broker
    cabinet: int | None = None  # the port of its Modbus server
    journal: str = "sqlite"
    graph: str | None = None  # the URI of a Neo4j; None: the embedded engine
    expect_within: str = "30s"
    state_name: str = "var"
    quantities: str = ""  # further ones
    topics: str = ""  # further subscriptions of the broker
    registers: str = ""  # further registers of the cabinet
    port: int = field(default_factory=free_port)
    hub: Process | None = None
    _starts: int = 0

    @property
    def file(self) -> Path:
        return self.folder / "park.toml"

    @property
    def state(self) -> Path:
        return self.folder / self.state_name

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "rules.toml").write_text(RULES, encoding="utf-8")
        parts = [
            f'rules = "rules.toml"\n[park]\nname = "Failing park"\n[state]\ndir = "{self.state_name}"\n'
            f'[journal]\nurl = "{self.journal}"\n[web]\nport = {self.port}\n',
            f'[graph]\nuri = "{self.graph}"\n' if self.graph else "",
            QUANTITIES + self.quantities,
            BROKER.format(port=self.broker, expect_within=self.expect_within) + self.topics if self.broker else "",
            CABINET.format(port=self.cabinet, expect_within=self.expect_within) + self.registers
            if self.cabinet
            else "",
        ]
        self.file.write_text("\n".join(parts), encoding="utf-8")

    # ---- the hub's process

    def launch(self, *, before: Sequence[str] = (), file_size: int | None = None) -> Process:
        """The hub's process, without waiting for it. `before` is a command that it runs under."""
        self.write()
        self._starts += 1
        command = [*before, sys.executable, "-m", "hub.cli", "serve", "--config", str(self.file)]
        # The graph comes from the park file alone: an address in the environment would override it.
        env = {**os.environ, "NEO4J_URI": ""}
        self.hub = Process(command, self.folder, name=f"hub-{self._starts}", env=env)
        if file_size is not None:
            resource.prlimit(self.hub.pid, resource.RLIMIT_FSIZE, (file_size, resource.RLIM_INFINITY))
        return self.hub

    def start(self, *, before: Sequence[str] = (), seconds: float = 60) -> Process:
        """The hub's process, once it answers queries that need the graph."""
        process = self.launch(before=before)
        self.until(self._graph_stands, "the graph to be there", seconds)
        return process

    def _graph_stands(self) -> bool:
        graph = self.part("graph")
        return bool(graph["state"] == "OK" and graph["position"] > 0)

    def kill(self) -> None:
        assert self.hub is not None
        self.hub.kill()

    def stop(self, seconds: float = 30) -> int:
        """SIGTERM; the exit code."""
        assert self.hub is not None
        return self.hub.stop(signal.SIGTERM, seconds)

    def close(self) -> None:
        if self.hub is not None:
            self.hub.stop(signal.SIGTERM, 30)
        if (pid := self.engine) is not None:  # its hub was killed
            os.kill(pid, signal.SIGKILL)

    @property
    def engine(self) -> int | None:
        """The embedded engine's process id, by the note that the hub keeps."""
        try:
            pid = int(json.loads((self.state / "engine.json").read_text())["pid"])
        except (OSError, ValueError):
            return None
        return pid if runs(pid) else None

    def logged(self) -> list[dict[str, Any]]:
        """All lines that this park's hubs logged, in order."""
        found: list[dict[str, Any]] = []
        for number in range(1, self._starts + 1):
            lines = (self.folder / f"hub-{number}.log").read_text(errors="replace").splitlines()
            found += [json.loads(line) if line.startswith("{") else {"event": line} for line in lines]
        return found

    def command(self, *words: str, seconds: float = 90) -> subprocess.CompletedProcess[str]:
        """`causeway …` with this park's file."""
        return subprocess.run(
            [sys.executable, "-m", "hub.cli", *words, "--config", str(self.file)],
            capture_output=True,
            text=True,
            timeout=seconds,
            cwd=self.folder,
            env={**os.environ, "NEO4J_URI": "", "COLUMNS": "200"},
            check=False,
        )

    def results(self, *words: str) -> Mapping[str, Any]:
        """The result of a command that must succeed."""
        done = self.command(*words, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return next(line["result"] for line in reversed(lines) if "result" in line)

    # ---- what it says

    def until(self, holds: Callable[[], T], what: str, seconds: float = 30) -> T:
        """The first true answer; a hub that does not answer yet is waited for."""
        deadline = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < deadline:
            try:
                if answer := holds():
                    return answer
            except (httpx.HTTPError, QueryFailed) as error:
                last = error
            if self.hub is not None:
                self.hub.still_running()
            time.sleep(0.05)
        raise AssertionError(f"waited {seconds:g} s in vain for {what} ({last}); see {self.hub and self.hub.log}")

    def ready(self) -> tuple[int, dict[str, Any]]:
        answer = httpx.get(f"{self.url}/readyz", timeout=5)
        return answer.status_code, answer.json()

    def part(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ready()[1]["parts"][name]
        return found

    def figure(self, name: str, **labels: str) -> float:
        """One of the hub's metrics; 0 where it has none of that name."""
        text = httpx.get(f"{self.url}/metrics", timeout=5).text
        for line in text.splitlines():
            found = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
            if found and all(f'{key}="{value}"' in (found[1] or "") for key, value in labels.items()):
                return float(found[2])
        return 0.0

    def query(self, text: str, **variables: object) -> dict[str, Any]:
        """The data of one query or mutation; raises QueryFailed with the first error's code."""
        answer = httpx.post(f"{self.url}/graphql", json={"query": text, "variables": variables}, timeout=15).json()
        if answer.get("errors"):
            raise QueryFailed(answer["errors"])
        data: dict[str, Any] = answer["data"]
        return data

    def progress(self) -> dict[str, object]:
        """How far journal, graph and alerts have come, and how the sources do."""
        parts = self.until(self.ready, "the hub to answer")[1]["parts"]
        return {name: parts[name].get("position", parts[name].get("head", parts[name].get("text"))) for name in parts}

    def source(self, name: str) -> dict[str, Any]:
        found = self.query("{ sources { id state text stale deadLetters } }")["sources"]
        return next(one for one in found if one["id"] == name)

    # ---- its graph

    def graph_dump(self) -> tuple[list[object], list[object]]:
        """All that the graph holds, once it shows the whole journal."""
        self.until(self._all_caught_up, "graph and alerts to catch up", 60)

        async def read() -> tuple[list[object], list[object]]:
            store = await Store.open(self._graph_config())
            try:
                return await dump(store)  # type: ignore[return-value]
            finally:
                await store.close()

        return asyncio.run(read())

    def _all_caught_up(self) -> bool:
        parts = self.ready()[1]["parts"]
        behind: int = parts["graph"]["behind"] + parts["warning"]["behind"]
        return behind == 0

    def _graph_config(self) -> GraphConfig:
        if self.graph is not None:
            return GraphConfig(uri=self.graph)
        note = json.loads((self.state / "engine.json").read_text())
        password = (self.state / "engine.password").read_text("ascii")
        return GraphConfig(uri=f"bolt://127.0.0.1:{note['bolt']}", user="root", password=password, database=DATABASE)

    def graph_equals_a_rebuild(self) -> None:
        followed = self.graph_dump()
        assert followed[0], "the graph is empty"
        self.results("rebuild")
        rebuilt = self.graph_dump()
        for name, before, after in zip(("nodes", "links"), followed, rebuilt, strict=True):
            stale, missing = [x for x in before if x not in after], [x for x in after if x not in before]
            assert before == after, f"of {len(after)} {name} the graph had {stale[:3]}, and a rebuild has {missing[:3]}"

    def replay_agrees(self) -> int:
        """How many alert events `causeway replay --check` compared."""
        found = self.results("replay", "--check")
        assert not found["rows"], found
        return int(found["compared"])


class QueryFailed(AssertionError):
    """A query was answered with errors; `code` is the first one's."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(json.dumps(errors, ensure_ascii=False))
        self.code: str = errors[0]["extensions"]["code"]


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def resident(pid: int) -> int:
    """The process's own memory in bytes."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024
