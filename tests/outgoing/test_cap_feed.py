"""The park's incidents as CAP: valid by the schema, read back by our own adapter, closed to who has no token."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree

from adapters.contract import Claim, Source
from adapters.government.cap import ADAPTER, CapConfig
from adapters.secret import Secret
from tests.federation.park import ask
from tests.outgoing.conftest import Outgoing
from tests.servers.receiver import Receiver

NAMES = {"cap": "urn:oasis:names:tc:emergency:cap:1.2", "atom": "http://www.w3.org/2005/Atom"}


def got(outgoing: Outgoing, path: str, client: str | None = "command") -> httpx.Response:
    headers = {"authorization": f"Bearer {outgoing.park.token(client)}"} if client else {}
    return httpx.get(f"{outgoing.park.url}/cap/{path}", headers=headers)


def identifiers(outgoing: Outgoing, client: str = "command") -> list[str]:
    feed = etree.fromstring(got(outgoing, "feed.atom", client).raise_for_status().content)
    return [
        one.rpartition("/")[2].removesuffix(".xml")
        for one in feed.xpath("//atom:entry/atom:id/text()", namespaces=NAMES)
    ]


async def read(url: str, token: Path) -> Mapping[str, Claim]:
    config = CapConfig(url=url, token=Secret(file=token))
    async with ADAPTER.factory(Source(id="neighbour"), config) as adapter:
        batches = [batch async for batch in adapter.read(None)]
    assert not [one for batch in batches for one in batch.unreadable]
    return {claim.external_id: claim for batch in batches for claim in batch.records if isinstance(claim, Claim)}


def test_our_own_adapter_reads_back_what_is_open_and_what_is_over(outgoing: Outgoing, tmp_path: Path) -> None:
    fire, over = outgoing.open("c1", "hall-a", "hall-b"), outgoing.open("c2", "hall-b")
    drill = outgoing.open("c3", "hall-a", drill=True)
    outgoing.close("c4", over["id"])
    token = tmp_path / "token"
    token.write_text(outgoing.park.token("command"), encoding="utf-8")
    claims = asyncio.run(read(f"{outgoing.park.url}/cap/feed.atom", token))
    assert not [name for name in claims if name.startswith(drill["id"])]

    told = claims[fire["id"]].values
    assert (told["message_type"], told["status"], told["sender"]) == ("ALERT", "ACTUAL", "hub@park.example")
    assert (told["event"], told["category"], told["language"]) == ("火灾", "Fire", "zh-CN")
    assert told["urgency"] == "IMMEDIATE"
    assert fire["number"] in str(told["headline"])
    assert set(str(told["area_description"]).split("; ")) == {"Hall a", "Hall b"}
    for place in ("hall-a", "hall-b"):
        assert outgoing.park.ids[place] in str(told["areas"])
    assert told["sent"].timestamp() == int(_seconds(fire["openedAt"]))
    assert told["flags"] == ("scope_restricted",)
    assert "ended_at" not in told

    cancel = claims[f"{over['id']}-closed"]
    assert cancel.values["message_type"] == "CANCEL"
    assert [link.target for link in cancel.links] == [over["id"]]
    assert claims[over["id"]].values["ended_at"] is not None


def _seconds(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def test_every_message_is_valid_by_the_schema(outgoing: Outgoing, samples: Path) -> None:
    done = outgoing.open("v1", "hall-a")
    outgoing.close("v2", done["id"])
    schema = etree.XMLSchema(etree.parse(str(samples / "cap-schema" / "cap-library__schema~cap12.xsd")))
    found = identifiers(outgoing)
    assert {done["id"], f"{done['id']}-closed"} <= set(found)
    for name in found:
        schema.assertValid(etree.fromstring(got(outgoing, f"{name}.xml").raise_for_status().content))
    assert len(found) == len(set(found))


def test_who_has_no_token_gets_nothing_and_a_tenant_what_policies_show(outgoing: Outgoing) -> None:
    other = outgoing.open("t1", "hall-b")["id"]
    for path in ("feed.atom", f"{other}.xml"):
        assert got(outgoing, path, None).status_code == 401
    ours = outgoing.open("t2", "hall-a")
    query = "{ incidents(filter: { drill: false }, first: 200) { nodes { id } } }"
    told = ask(f"{outgoing.park.url}/graphql", outgoing.park.token("tenant-a"), query)
    seen = {one["id"] for one in told["data"]["incidents"]["nodes"]}
    assert ours["id"] in seen
    assert {name.removesuffix("-closed") for name in identifiers(outgoing, "tenant-a")} == seen
    assert got(outgoing, f"{other}.xml", "tenant-a").status_code == (200 if other in seen else 404)
    message = got(outgoing, f"{ours['id']}.xml", "tenant-a").raise_for_status().text
    assert ours["number"] not in message, "a tenant is not shown it"
    assert "Hall a" in message


@pytest.mark.parametrize("path", ["nothing.xml", "01955000-0003-7000-8000-000000000003.xml", "%3Cx%3E.xml"])
def test_what_is_not_there_is_not_found(outgoing: Outgoing, path: str) -> None:
    assert got(outgoing, path).status_code == 404


def test_a_drill_and_the_end_of_what_goes_on_are_not_found(outgoing: Outgoing) -> None:
    drill, fire = outgoing.open("d1", "hall-a", drill=True)["id"], outgoing.open("d2", "hall-a")["id"]
    assert got(outgoing, f"{drill}.xml").status_code == 404
    assert got(outgoing, f"{fire}.xml").status_code == 200
    assert got(outgoing, f"{fire}-closed.xml").status_code == 404


def test_webhooks_of_a_running_hub_are_told_by_their_roles(outgoing: Outgoing) -> None:
    drill, fire = outgoing.open("w1", "hall-b", drill=True)["id"], outgoing.open("w2", "hall-b")["id"]
    outgoing.park.measure("hall-b", "theirs", 90.0)
    outgoing.park.measure("hall-a", "ours", 95.0)

    def told(receiver: Receiver) -> list[float]:
        return [one.told["data"]["alert"].get("value") for one in receiver.taken if one.type == "alert.opened"]

    outgoing.command.wait(lambda r: {90.0, 95.0} <= set(told(r)))
    incidents = [one.told["data"]["incident"]["id"] for one in outgoing.command.taken if "incident" in one.type]
    assert fire in incidents
    assert drill not in incidents

    ours = outgoing.open("w3", "hall-a")["id"]

    def shown(receiver: Receiver) -> dict[str, Any]:
        incidents = [one.told["data"]["incident"] for one in receiver.taken if one.type == "incident.opened"]
        return {incident["id"]: incident for incident in incidents}

    outgoing.tenant.wait(lambda r: ours in shown(r))
    query = "{ incidents(filter: { drill: false }, first: 200) { nodes { id } } }"
    told_by_graphql = ask(f"{outgoing.park.url}/graphql", outgoing.park.token("tenant-a"), query)
    seen = {one["id"] for one in told_by_graphql["data"]["incidents"]["nodes"]}
    assert shown(outgoing.tenant).keys() <= seen
    assert (fire in shown(outgoing.tenant)) == (fire in seen)
    assert shown(outgoing.tenant)[ours]["kind"] == "FIRE"
    assert all(one.is_signed() for one in (*outgoing.command.all, *outgoing.tenant.all))


def test_the_command_tells_of_the_running_hubs_webhooks(outgoing: Outgoing) -> None:
    sent = len(outgoing.command.taken)
    test = causeway(outgoing, "test", "command")
    assert test["status"] == 204
    outgoing.command.wait(lambda r: any(one.type == "webhook.test" for one in r.taken[sent:]))
    rows = {row["name"]: row for row in lines(outgoing, "list")}
    assert set(rows) == {"command", "tenant"}
    assert rows["command"]["dead_letters"] == 0
    assert "webhook.test" in {row["type"] for row in lines(outgoing, "log", "command")}
    assert lines(outgoing, "retry", "command") == []


def lines(outgoing: Outgoing, *arguments: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "hub.cli", "webhooks", *arguments, "--json"]
    done = subprocess.run(
        [*command, "--config", str(outgoing.park.folder / "park.toml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    result = json.loads(line)["result"]
    rows: list[dict[str, Any]] = result.get("rows", [result])
    return rows


def causeway(outgoing: Outgoing, *arguments: str) -> dict[str, Any]:
    (line,) = lines(outgoing, *arguments)
    return line
