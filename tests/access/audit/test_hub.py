"""The hub as it is run: killed in the middle of two hundred requests, and with its record damaged."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.failure.park import Park

pytestmark = pytest.mark.long

PEOPLE = "query Seen { people { nodes { id phone } } }"
NUMBERS = [f"139000000{number:02}" for number in range(12)]


@pytest.fixture
def park(tmp_path: Path) -> Iterator[Park]:
    """A hub with twelve people in its graph."""
    park = Park(folder=tmp_path / "park")
    rows = [f"G-{number},Guard {number},{phone}" for number, phone in enumerate(NUMBERS)]
    park.folder.mkdir()
    table = park.folder / "people.csv"
    table.write_text("\n".join(["code,name,phone", *rows]) + "\n", encoding="utf-8")
    park.launch()
    try:
        park.until(lambda: park.part("journal")["state"] == "OK", "the hub to answer", 60)
        done = park.command("import", "people", str(table), "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        park.until(lambda: len(park.query(PEOPLE)["people"]["nodes"]) == len(NUMBERS), "the people in the graph", 90)
        yield park
    finally:
        park.close()


async def crowd(park: Park, killed_after: int) -> int:
    """Two hundred clients ask at once, each with a name of its own; the hub is killed when so many have their answer.
    How many operations were answered with telephone numbers."""
    answered = list[str]()
    url = f"{park.url}/graphql"

    async def one(client: httpx.AsyncClient, name: str) -> None:
        document = PEOPLE.replace("Seen", name)
        while True:
            try:
                answer = await client.post(url, json={"query": document, "operationName": name}, timeout=30)
            except httpx.HTTPError:
                return  # the hub is gone
            if all(number in answer.text for number in NUMBERS):
                answered.append(name)
                if len(answered) == killed_after:
                    park.kill()

    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(limits=limits) as client, asyncio.TaskGroup() as group:
        for number in range(200):
            group.create_task(one(client, f"Seen{number}"))
    assert len(answered) >= killed_after
    return len(answered)


@pytest.mark.timeout(300)
def test_a_hub_that_is_killed_has_recorded_every_answer_that_came(park: Park) -> None:
    answered = asyncio.run(crowd(park, 150))
    park.launch()
    park.until(lambda: park.part("journal")["state"] == "OK", "the hub to answer again", 60)
    listed: Any = park.results("audit", "list", "--first", "5000")["rows"]
    personal = [row for row in listed if "Person.phone of 12" in row["shown"] and "Seen" in row["operation"]]
    clients = [row for row in personal if row["operation"] != "query Seen"]
    assert len(clients) >= answered, f"{answered} answers came and {len(clients)} are recorded"
    verified = park.results("audit", "verify")
    assert verified["verdict"] == "the record holds" and not verified["rows"]
    assert int(verified["chains"]) == 2


@pytest.mark.timeout(300)
def test_a_hub_whose_record_is_damaged_says_so_and_shows_what_is_nobodys(park: Park) -> None:
    person = park.query("{ people(first: 1) { nodes { id } } }")["people"]["nodes"][0]["id"]
    who: Any = park.results("audit", "who-saw", person)
    assert who["answers"] >= 1 and who["rows"][0]["subject"] == "local-administrator"
    basis = f'person: "{person}", purpose: "safety", fields: ["Person.phone"], evidence: "file 1", idempotencyKey: "k"'
    park.query(f"mutation {{ giveConsent({basis}) {{ __typename }} }}")
    recorded = park.query(f'{{ consents(person: "{person}") {{ standing }} personalDataShared {{ answers }} }}')
    assert recorded == {"consents": [{"standing": True}], "personalDataShared": []}
    assert park.part("audit")["state"] == "OK"
    assert park.stop() == 0
    for file in park.state.glob("audit.db*"):
        file.unlink()
    (park.state / "audit.db").write_bytes(b"no database" * 1000)
    park.launch()
    part = park.until(lambda: (found := park.part("audit"))["state"] != "OK" and found, "the audit's state", 60)
    assert part["state"] == "DEGRADED" and "damaged" in part["text"]
    assert park.ready()[0] == 200
    asked = {"query": "{ people { nodes { id name phone } } sources { id } }"}

    def answer() -> Any:
        found = httpx.post(f"{park.url}/graphql", json=asked, timeout=15).json()
        return found if found.get("data") and found["data"]["people"]["nodes"] else None

    told = park.until(answer, "an answer by the graph", 60)
    assert told["extensions"]["audit"] == "UNAVAILABLE"
    assert told["errors"][0]["extensions"]["code"] == "AUDIT_UNAVAILABLE"
    assert {(each["name"], each["phone"]) for each in told["data"]["people"]["nodes"]} == {(None, None)}
    (park.state / "audit.db").unlink()  # the operator sets it aside
    park.until(lambda: park.part("audit")["state"] == "OK", "the audit to be written again", 30)
    assert all(number in str(park.query(PEOPLE)) for number in NUMBERS)
    found = park.command("audit", "verify")
    assert found.returncode == 1 and "truncated" in found.stdout  # the journal knows of the chain that is gone
