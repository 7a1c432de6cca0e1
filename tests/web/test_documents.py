"""Trusted documents: named by their ids, over each transport, and where told so no others."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from hub.cli.commands import app
from hub.errors import SettingsError
from hub.web.config import WebConfig
from hub.web.documents import Documents, hashed, read
from tests.web.test_socket import hear, say, socket
from tests.web.tiny import running

GREETING = "query G($n: String) { greeting(name: $n) }"
MANIFEST = {"g": GREETING, "t": "subscription { ticks { number } }"}


def asked(body: dict[str, object], *, only: bool = False, accept: str = "application/json") -> tuple[int, object]:
    """The status, and the data or the first error's code."""

    async def once() -> httpx.Response:
        config = WebConfig(port=0, documents=Documents.of(MANIFEST, only=only))
        async with running(config) as hub, httpx.AsyncClient(base_url=hub.url) as client:
            return await client.post("/graphql", json=body, headers={"accept": accept})

    response = asyncio.run(once())
    said = response.json()
    return response.status_code, said["errors"][0]["extensions"]["code"] if "errors" in said else said["data"]


def by_hash(text: str) -> dict[str, object]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashed(text)}}}


def test_a_document_is_named_by_its_id_or_its_hash() -> None:
    you = {"variables": {"n": "you"}}
    for named in ({"documentId": "g"}, {"documentId": f"sha256:{hashed(GREETING)}"}, by_hash(GREETING)):
        assert asked({**named, **you}, only=True) == (200, {"greeting": "hello you"})
    assert asked({"query": GREETING, **by_hash(GREETING), **you}, only=True) == (200, {"greeting": "hello you"})


def test_an_unknown_id_and_a_wrong_hash_are_refused_and_nothing_is_registered() -> None:
    graphql = "application/graphql-response+json"
    assert asked({"documentId": "nosuch"}, accept=graphql) == (404, "NOT_FOUND")
    assert asked(by_hash("{ language }"), accept=graphql) == (404, "NOT_FOUND")
    assert asked({"query": "{ language }", **by_hash("{ greeting }")})[1] == "BAD_REQUEST"
    assert asked({"query": "{ language }", **by_hash("{ language }")}) == (200, {"language": "zh"})
    assert asked({"query": "{ language }", **by_hash("{ language }")}, only=True, accept=graphql)[1] == "FORBIDDEN"


def test_where_only_trusted_documents_are_run_all_others_are_refused() -> None:
    graphql = "application/graphql-response+json"
    assert asked({"query": "{ greeting }"}, only=True, accept=graphql) == (403, "FORBIDDEN")
    assert asked({"query": "{ greeting }"}, only=True) == (200, "FORBIDDEN")
    assert asked({"query": GREETING}, only=True) == (200, {"greeting": "hello park"})

    async def over_a_socket() -> None:
        config = WebConfig(port=0, documents=Documents.of(MANIFEST, only=True))
        async with running(config) as hub, socket(hub) as connection:
            await say(connection, type="subscribe", id="1", payload={"query": "{ greeting }"})
            refused = await hear(connection)
            assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "FORBIDDEN")
            await say(connection, type="subscribe", id="1", payload={"documentId": "t"})
            await hub.listened_to(by=1)
            hub.tell(1)
            assert (await hear(connection))["payload"]["data"] == {"ticks": {"number": 1}}

    asyncio.run(over_a_socket())


def test_a_manifest_is_apollos_or_a_plain_object(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(MANIFEST))
    assert read(file) == MANIFEST
    operations = [{"id": "g", "name": "G", "type": "query", "body": GREETING}]
    apollo = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}
    file.write_text(json.dumps(apollo))
    assert read(file) == {"g": GREETING}
    for wrong, says in (
        ("{", "not JSON"),
        ("[]", "JSON object"),
        ('{"g": 3}', "both of them texts"),
        (json.dumps({**apollo, "version": 2}), "version 1"),
        (json.dumps({**apollo, "operations": [3]}), "both of them texts"),
        (json.dumps({**apollo, "operations": [*operations, {"id": "g", "body": "{ language }"}]}), "two documents"),
    ):
        file.write_text(wrong)
        with pytest.raises(SettingsError, match=says):
            read(file)
    with pytest.raises(SettingsError, match="cannot be read"):
        read(tmp_path / "nosuch.json")


def test_the_command_names_each_document_that_cannot_be_run(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    good = "query Places($n: Int!) { places(first: $n) { nodes { name } } }"
    file.write_text(json.dumps({"good": good}))
    runner = CliRunner()
    command = ["documents", "check", str(file), "--config", str(tmp_path / "none.toml")]
    said = runner.invoke(app, command)
    assert (said.exit_code, "1 of 1 documents" in said.output) == (0, True)
    wide = "{places(first:500){nodes{parts(first:500){nodes{parts(first:500){nodes{name}}}}}}}"
    file.write_text(json.dumps({"good": good, "wrong": "{ nosuch }", "broken": "{", "wide": wide}))
    said = runner.invoke(app, command)
    assert (said.exit_code, "1 of 4 documents" in said.output) == (1, True)
    assert {line.split(":")[0] for line in said.output.splitlines() if ":" in line} >= {"wrong", "broken", "wide"}
