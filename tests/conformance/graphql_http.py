"""The audit of GraphQL over HTTP, by the reference implementation `graphql-http` (npm), against a real hub.

Its requests carry a token and, as every client's GET must, a header that no foreign page can send.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.attacks.park import attacked
from tests.conformance.check import Check, Missing

NODE = Path(__file__).resolve().parents[1] / "servers" / "graphql_http"


def checks(folder: Path) -> Iterator[Check]:
    """A warning counts as a failure."""
    node = shutil.which("node")
    if node is None or not (NODE / "node_modules").exists():
        raise Missing("it needs node, and tests/servers/prepare")
    with attacked(folder / "park", introspection=True) as park:
        done = subprocess.run(
            [node, str(NODE / "audit.js"), f"{park.url}/graphql", park.commander()],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        told = json.loads(line)
        wrong = None if told["status"] == "ok" else f"{told['status']}: {told['reason']}"
        yield Check(name=told["name"], wrong=wrong)
