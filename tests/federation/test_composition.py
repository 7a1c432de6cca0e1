"""The hub's real schema and the department's go together: by the gateway's composer and by Apollo's."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.federation.conftest import HUB_SCHEMA
from tests.servers.hive_gateway import HiveGateway
from tests.servers.process import ServerMissing

APOLLO = Path(__file__).resolve().parents[1] / "servers" / "federation"


def by_apollo(folder: Path, hub: Path, department: Path) -> subprocess.CompletedProcess[str]:
    node = shutil.which("node")
    if node is None or not (APOLLO / "node_modules").is_dir():
        pytest.skip("@apollo/composition needs Node and its package: tests/servers/prepare")
    subgraphs = ["hub", "http://hub.example/graphql", str(hub), "fire", "http://fire.example/graphql", str(department)]
    return subprocess.run(
        [node, str(APOLLO / "compose.js"), str(folder / "apollo.graphql"), *subgraphs],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def by_gateway(folder: Path, hub: Path, department: Path) -> subprocess.CompletedProcess[str]:
    subgraphs = [
        {"name": "hub", "url": "http://hub.example/graphql", "schema": str(hub)},
        {"name": "fire", "url": "http://fire.example/graphql", "schema": str(department)},
    ]
    try:
        return HiveGateway(folder, subgraphs).compose()
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("compose", [by_apollo, by_gateway])
def test_both_composers_accept_both_schemas(compose, tmp_path: Path, department_schema: Path) -> None:
    done = compose(tmp_path, HUB_SCHEMA, department_schema)
    assert done.returncode == 0, done.stderr
    assert "hint" not in done.stdout, "they contradict each other: " + done.stdout
    (supergraph,) = tmp_path.glob("*.graphql")
    assert "type Engine" in supergraph.read_text(encoding="utf-8")


@pytest.mark.parametrize("compose", [by_apollo, by_gateway])
def test_a_department_that_claims_what_is_the_hubs_is_refused(compose, tmp_path: Path, department_schema: Path) -> None:
    """Nobody owns a field that another one owns."""
    text = department_schema.read_text(encoding="utf-8")
    bad = tmp_path / "bad.graphqls"
    bad.write_text(text.replace("  engines: [Engine!]\n", "  engines: [Engine!]\n  name: String\n", 1))
    done = compose(tmp_path, HUB_SCHEMA, bad)
    assert done.returncode == 1 and "Place.name" in done.stderr
    assert not list(tmp_path.glob("*.graphql"))
