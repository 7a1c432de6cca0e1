"""docker-compose.yml: what Compose itself makes of it, and that its park file fits it. No container is started here."""

import json
import os
import shutil
import subprocess

import pytest

from hub import settings
from hub.parts import external_graph, journal_config
from tests.docs.pages import ROOT

PASSWORDS = {"NEO4J_PASSWORD": "graph-secret", "POSTGRES_PASSWORD": "journal-secret"}


def compose(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("docker-compose is not installed: nobody has checked docker-compose.yml against its schema")
    command = [program, "--project-directory", str(ROOT), "--file", str(ROOT / "docker-compose.yml"), *arguments]
    rest = {name: value for name, value in os.environ.items() if name not in PASSWORDS}
    return subprocess.run(command, env={**rest, **environment}, capture_output=True, text=True, check=False)


def test_compose_takes_the_file() -> None:
    done = compose("config", environment=PASSWORDS)
    assert done.returncode == 0, done.stderr
    whole = compose("--profile", "federation", "config", "--services", environment=PASSWORDS).stdout.split()
    assert sorted(whole) == ["gateway", "hub", "neo4j", "postgres"]
    assert 'profiles: ["federation"]' in (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def test_compose_refuses_to_start_without_a_password() -> None:
    done = compose("config", environment={"NEO4J_PASSWORD": "graph-secret"})
    assert done.returncode != 0
    assert "write it to .env" in done.stderr


def test_the_park_file_beside_it_names_its_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PASSWORDS.items():
        monkeypatch.setenv(name, value)
    loaded = settings.load(ROOT / "examples" / "compose" / "park.toml", {})
    graph = external_graph(loaded)
    assert graph is not None
    assert (graph.uri, graph.user, graph.password) == ("neo4j://127.0.0.1:7687", "neo4j", "graph-secret")
    assert "causeway:journal-secret@127.0.0.1:5432/causeway" in journal_config(loaded).url
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for published in ("127.0.0.1:7687:7687", "127.0.0.1:5432:5432", f":{loaded.web.port}/readyz"):
        assert json.dumps(published)[1:-1] in text
