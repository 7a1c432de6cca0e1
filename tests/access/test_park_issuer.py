"""A hub in a process of its own that trusts a real OpenID provider named in its park file."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from hub.cli.commands import app
from tests.access.issuer.running import hub_process
from tests.servers.oidc_provider import AUDIENCE, HUB, OidcProvider
from tests.servers.process import ServerMissing, free_port, wait_for_port

PARK = """
[park]
name = "Test park"

[web]
port = {port}

[[issuer]]
url = "{issuer}"
audience = "{audience}"
roles_claim = "realm_access.roles"
roles = {{ government = "commander" }}
introspect = "opaque"

[issuer.client]
id = "{client}"
secret = {{ file = "{secret}" }}
"""
QUERY = {"query": "{ sources { id } }"}


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[OidcProvider]:
    try:
        server = OidcProvider.start(tmp_path / "oidc")
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


def test_a_park_trusts_the_issuer_of_its_file(provider: OidcProvider, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "secret").write_text(HUB[1])
    text = PARK.format(port=port, issuer=provider.url, audience=AUDIENCE, client=HUB[0], secret=tmp_path / "secret")
    (tmp_path / "park.toml").write_text(text)
    said = CliRunner().invoke(app, ["check", "-c", str(tmp_path / "park.toml")]).output
    assert f"issuer {provider.url}" in " ".join(said.split()) and "1 keys" in said
    process = hub_process(tmp_path)
    try:
        wait_for_port(port, process, 90)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            assert client.post("/graphql", json=QUERY).status_code == 401
            for token in (provider.department(), provider.department(resource=f"{AUDIENCE}/opaque")):
                answer = client.post("/graphql", json=QUERY, headers={"authorization": f"Bearer {token}"})
                assert (answer.status_code, answer.json()["data"]) == (200, {"sources": []})
            assert client.get("/readyz").json()["parts"]["issuers"]["state"] == "OK"
            until = time.monotonic() + 60
            while client.get("/readyz").json()["parts"]["graph"]["state"] != "OK" and time.monotonic() < until:
                time.sleep(0.2)  # a hub that ends while its engine starts leaves it to the next one
            log = process.log.read_text()
            assert token not in log and HUB[1] not in log
    finally:
        assert process.stop(seconds=60) == 0
    provider.say("down")
    said = CliRunner().invoke(app, ["check", "-c", str(tmp_path / "park.toml")]).output
    assert "cannot be reached" in " ".join(said.split())


def test_a_hub_that_trusts_nobody_stays_on_loopback(tmp_path: Path) -> None:
    (tmp_path / "park.toml").write_text('[park]\nname = "P"\n[web]\nhost = "0.0.0.0"\n')
    process = hub_process(tmp_path)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and "[[issuer]]" not in process.log.read_text():
        time.sleep(0.1)
    assert "[[issuer]]" in process.log.read_text()
    assert process.stop() != 0
