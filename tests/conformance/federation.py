"""Apollo's tests of a federation subgraph, npm's @apollo/federation-subgraph-compatibility-tests, which its own command
runs in containers: here against processes. Their products subgraph is ours, through the hub's own transport and the
hub's own way to resolve references; `@apollo/composition` composes it with theirs, `@apollo/gateway` is the router.
"""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.conformance.check import Check, Missing
from tests.servers.process import Process, free_port, wait_for_port

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / "tests" / "servers" / "federation"
SUITE = NODE / "node_modules" / "@apollo" / "federation-subgraph-compatibility-tests" / "dist"
OURS = ["-m", "tests.conformance.products.serve"]
ROUTER, USERS, INVENTORY = 4000, 4002, 4003
"""The ports that stand in the suite."""


def checks(folder: Path) -> Iterator[Check]:
    node = shutil.which("node")
    if node is None or not SUITE.is_dir():
        raise Missing("it needs node, and tests/servers/prepare")
    for port in (ROUTER, USERS, INVENTORY):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise Missing(f"its port {port} is taken")
    products = free_port()
    schemas = [
        ("products", f"http://127.0.0.1:{products}/graphql", _ours(folder)),
        *(
            (name, f"http://127.0.0.1:{port}/", SUITE / "subgraphs" / name / f"{name}.graphql")
            for name, port in _THEIRS
        ),
    ]
    _compose(node, folder / "supergraph.graphql", schemas)
    with ExitStack() as stack:

        def start(name: str, *command: str) -> Process:
            process = Process(command, folder, name=name, env={"PYTHONPATH": str(ROOT)})
            stack.callback(process.stop)
            return process

        ours = start("products", sys.executable, *OURS, str(products))
        theirs = [start(name, node, str(SUITE / "subgraphs" / name / "index.js")) for name, _ in _THEIRS]
        router = start("router", node, str(NODE / "router.js"), str(folder / "supergraph.graphql"), str(ROUTER))
        ours.wait_for_line("^listening")
        router.wait_for_line("^listening")
        for process, (_, port) in zip(theirs, _THEIRS, strict=True):
            wait_for_port(port, process)
        yield from _told(node, f"http://127.0.0.1:{products}/graphql")


_THEIRS = (("users", USERS), ("inventory", INVENTORY))


def _ours(folder: Path) -> Path:
    done = subprocess.run(
        [sys.executable, *OURS, "schema"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    file = folder / "products.graphql"
    file.write_text(done.stdout, encoding="utf-8")
    return file


def _compose(node: str, target: Path, schemas: list[tuple[str, str, Path]]) -> None:
    words = [str(word) for schema in schemas for word in schema]
    done = subprocess.run(
        [node, str(NODE / "compose.js"), str(target), *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def _told(node: str, products: str) -> Iterator[Check]:
    """Each test of the suite."""
    config = {"rootDir": str(SUITE), "testMatch": ["**/tests/*.test.js"], "testPathIgnorePatterns": []}
    config |= {"haste": {"retainAllFiles": True}, "transform": {}}
    done = subprocess.run(
        [
            node,
            str(NODE / "node_modules" / "jest" / "bin" / "jest.js"),
            "--ci",
            "--json",
            "--config",
            json.dumps(config),
        ],
        cwd=NODE,
        env={"PATH": str(Path(node).parent), "PRODUCTS_URL": products, "HOME": str(NODE)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.startswith("{"), done.stderr
    for file in json.loads(done.stdout)["testResults"]:
        if not file["assertionResults"]:
            yield Check(name=Path(file["name"]).name, wrong=file["message"][:500])
        for test in file["assertionResults"]:
            wrong = None if test["status"] == "passed" else "\n".join(test["failureMessages"])[:500] or test["status"]
            yield Check(name=test["fullName"], wrong=wrong)
