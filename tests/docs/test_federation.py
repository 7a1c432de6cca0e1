"""docs/federation.md does what it says: its blocks are run as they stand, on free ports."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, as_script
from tests.servers.hive_gateway import GATEWAY
from tests.servers.process import free_port


@pytest.mark.timeout(400)
def test_a_department_joins_as_the_page_says(tmp_path: Path) -> None:
    if shutil.which("npm") is None or not (GATEWAY / "node_modules").is_dir():
        pytest.skip("the gateway needs Node and its package: tests/servers/prepare")
    folder = tmp_path / "hub"
    (folder / "schema").mkdir(parents=True)
    shutil.copy(ROOT / "schema" / "schema.graphql", folder / "schema")
    ignored = shutil.ignore_patterns("node_modules", "*.graphql", "__pycache__")
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=ignored)
    (folder / "examples" / "gateway" / "node_modules").symlink_to(GATEWAY / "node_modules")
    ports = {f":{port}": f":{free_port()}" for port in (8000, 8100, 4000)}
    script = "\n".join(as_script(DOCS / "federation.md"))
    subgraphs = folder / "examples" / "gateway" / "subgraphs.json"
    text = subgraphs.read_text(encoding="utf-8")
    for old, new in ports.items():
        assert old in script + text
        script, text = script.replace(old, new), text.replace(old, new)
    subgraphs.write_text(text, encoding="utf-8")
    hub, brigade, gateway = (new[1:] for new in ports.values())
    script = script.replace("[accounts]", f"[web]\nport = {hub}\n\n[accounts]")
    script = script.replace("brigade serve", f"brigade serve --port {brigade}")
    (tmp_path / "steps.sh").write_text("set -euo pipefail\n" + script, encoding="utf-8")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, words in (("causeway", "-m hub.cli"), ("python", "")):
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n', encoding="utf-8")
        (commands / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAUSEWAY", "NEO4J"))}
    environment = {
        **kept,
        "PATH": f"{commands}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "GATEWAY_PORT": gateway,
    }
    with (tmp_path / "said").open("w+", encoding="utf-8") as said:
        steps = subprocess.Popen(
            ["bash", tmp_path / "steps.sh"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            ended = steps.wait(380)
        finally:
            os.killpg(steps.pid, signal.SIGTERM)
        said.seek(0)
        lines = said.read().splitlines()
    assert ended == 0, "\n".join(lines)
    answer = json.loads(next(line for line in reversed(lines) if line.startswith('{"data"')))
    assert "errors" not in answer
    assert answer["data"]["engines"] == [{"callSign": "Foam 1"}]
    stationed = [each for each in answer["data"]["places"]["nodes"] if each["engines"]]
    assert [(each["name"], each["engines"]) for each in stationed] == [
        (stationed[0]["name"], [{"callSign": "Foam 1", "station": {"name": stationed[0]["name"]}}])
    ]
