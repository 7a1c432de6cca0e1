"""Two tenants with tokens of the hub's own issuer: a real hub reads their lists; each sees its own rejected rows."""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from adapters.contract import Claim
from hub.cli.commands import app
from hub.clock import now
from hub.journal.records import HUB, Draft
from hub.parts import open_parts
from hub.settings import load
from tests.access.issuer.running import hub_process, write_park
from tests.servers.process import wait_for_port

SOURCE = """
[[source]]
id = "{id}"
adapter = "stock_files"
every = "1s"
organization = "{organization}"
[source.config]
folder = "{id}"
settle_seconds = 0
[source.config.mapping]
columns = {{ name = "品名", quantity = "库存", unit = "单位" }}
"""
SOURCES = {"acme": "T-017", "bolt": "T-018", "carol": "T-019"}  # nobody entered T-019
ROWS = "query ($source: ID!) { rejectedRows(source: $source) { cells { value } } }"


@dataclass(frozen=True, slots=True)
class Park:
    folder: Path
    port: int

    async def enter(self) -> dict[str, str]:
        """The organizations; code → id."""
        async with open_parts(load(self.folder / "park.toml")) as parts:
            claims = [
                Claim(kind="Organization", external_id=f"organization:{code}", values={"name": code})
                for code in ("T-017", "T-018")
            ]
            said = await parts.journal.append(Draft(source=HUB, received_at=now(), claims=claims))
            return {name.removeprefix("organization:"): id_ for name, id_ in said.entities.items()}

    def command(self, *words: str) -> list[dict[str, Any]]:
        done = CliRunner().invoke(app, [*words, "-c", str(self.folder / "park.toml"), "--json"])
        return [json.loads(line) for line in done.stdout.splitlines()]

    def client(self, name: str, organization: str) -> str:
        """Its secret."""
        made = ("clients", "add", name, "--confidential", "--scope", "purpose:own_business", "--role", "tenant")
        return str(self.command(*made, "--organization", organization)[-1]["result"]["secret"])

    def token(self, name: str, secret: str) -> str:
        given = {"grant_type": "client_credentials", "scope": "purpose:own_business"}
        answer = httpx.post(f"http://127.0.0.1:{self.port}/oauth/token", data=given, auth=(name, secret))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def rejected(self, token: str, source: str) -> list[str] | str:
        """What stands in the rows; or the code of the refusal."""
        said = httpx.post(
            f"http://127.0.0.1:{self.port}/graphql",
            json={"query": ROWS, "variables": {"source": source}},
            headers={"authorization": f"Bearer {token}"},
            timeout=30,
        ).json()
        if said.get("errors"):
            return str(said["errors"][0]["extensions"]["code"])
        return [cell["value"] for row in said["data"]["rejectedRows"] for cell in row["cells"]]


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Park, dict[str, str]]]:
    """With a token for each tenant."""
    folder = tmp_path_factory.mktemp("tenants")
    park = Park(folder, write_park(folder))
    with (folder / "park.toml").open("a", encoding="utf-8") as file:
        for id_, organization in SOURCES.items():
            file.write(SOURCE.format(id=id_, organization=organization))
            (folder / id_).mkdir()
            (folder / id_ / "may.csv").write_text(f"品名,库存,单位\n{id_},约十,个\n头灯,3,个\n", encoding="utf-8")
            os.utime(folder / id_ / "may.csv", (1e9, 1e9))
    ids = asyncio.run(park.enter())
    secrets = {name: park.client(name, ids[SOURCES[name]]) for name in ("acme", "bolt")}
    hub = hub_process(folder)
    try:
        wait_for_port(park.port, hub)
        yield park, {name: park.token(name, secret) for name, secret in secrets.items()}
    finally:
        hub.stop()


@pytest.mark.timeout(120)
def test_a_tenant_sees_its_own_sources_rejected_rows_alone(park: tuple[Park, dict[str, str]]) -> None:
    there, tokens = park
    for name, token in tokens.items():
        while not (found := there.rejected(token, name)) or isinstance(found, str):
            time.sleep(0.1)  # until the list was read
        assert found == [name, "约十", "个"]
    for name, token in tokens.items():
        others = {source: there.rejected(token, source) for source in SOURCES if source != name}
        assert others == dict.fromkeys(others, "NOT_FOUND")


@pytest.mark.timeout(60)
def test_check_says_which_word_names_no_organization(park: tuple[Park, dict[str, str]]) -> None:
    said = {one["what"]: one for one in park[0].command("check")}
    assert said["organization T-017"]["ok"] and said["organization T-018"]["ok"]
    unknown = said["organization T-019"]
    assert not unknown["ok"] and "causeway import organizations" in unknown["text"]
