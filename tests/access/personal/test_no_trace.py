"""After an erasure nothing of a person is left: not in the hub's files, the graph engine's, an answer or a backup."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from hub import control
from hub.errors import AlreadyRunning
from tests.access.personal.trace import found
from tests.failure.park import Park
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import ServerMissing

pytestmark = [pytest.mark.long, pytest.mark.timeout(480)]  # hubs and engines start again and again
NAME, PHONE, CERTIFICATE = "欧阳示例甲", "13912345670", "FA-ZQ-880417"
OTHER, OTHER_PHONE = "司马范本乙", "13876543210"
SEARCHED = ("欧阳 阳示 示例", "oyslj")  # what the graph makes of a name, to be found by
PLAIN = [NAME, *SEARCHED]
SEALED = [PHONE, CERTIFICATE, OTHER_PHONE]
TABLES = {
    "people": f"工号,姓名,电话,角色\nG-07,{NAME},{PHONE},保安\nG-08,{OTHER},{OTHER_PHONE},保安\n",
    "certificates": f"工号,技能,证书名称,证书编号\nG-07,first_aid,急救员证,{CERTIFICATE}\n",
    "roster": "工号,日期,开始,结束,岗位\nG-07,2026-05-01,08:00,20:00,保安\n",
}
IMPORT = """mutation($kind: TableKind!, $upload: ID!, $key: String!) {
  importTable(kind: $kind, upload: $upload, idempotencyKey: $key) {
    __typename ... on ImportTableSuccess { rejected } ... on Problem { message }
  }
}"""
PEOPLE = """{ people(filter: { includeRetired: true }) { nodes {
  id name phone roles retired qualifications { nodes { certificate } }
} } }"""

FACTS = """query($id: ID!) { node(id: $id) {
  ... on Person { name phone facts(fields: ["name", "phone"]) { field value } }
} }"""


class World:
    """A park whose hub runs, and tables beside it."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.folder = folder
        self.broker = broker
        self.park = Park(folder=folder / "park", broker=broker.port)

    def enter(self, *kinds: str) -> None:
        for kind in kinds:
            sent = httpx.post(f"{self.park.url}/uploads", content=TABLES[kind].encode(), timeout=15)
            asked = {"kind": kind.upper(), "upload": sent.json()["id"], "key": str(uuid4())}
            told = self.park.query(IMPORT, **asked)["importTable"]
            assert told["__typename"] == "ImportTableSuccess" and told["rejected"] == 0, told

    def ask(self, name: str, **arguments: object) -> Mapping[str, Any]:
        """What `causeway` would ask the running hub by its socket; the result."""
        lines = list(control.ask(self.park.state / "hub.sock", name, arguments))
        result: Mapping[str, Any] = lines[-1]["result"]  # type: ignore[assignment]
        return result

    def settle(self) -> None:
        self.park.until(lambda: self.park.part("graph")["behind"] == 0, "the graph to catch up", 60)

    def people(self) -> dict[str, dict[str, Any]]:
        self.settle()
        return {each["id"]: each for each in self.park.query(PEOPLE)["people"]["nodes"]}

    def answers(self) -> str:
        """All that the hub can be made to say that could hold a person's data."""
        said = [
            json.dumps(self.park.query(PEOPLE), ensure_ascii=False),
            json.dumps(self.park.query(f'{{ people(filter: {{search: "{NAME[:2]}"}}) {{ totalCount }} }}')),
            httpx.get(f"{self.park.url}/metrics", timeout=5).text,
            httpx.get(f"{self.park.url}/readyz", timeout=5).text,
            json.dumps(self.ask("dead-letters"), ensure_ascii=False),
            json.dumps(self.ask("sources"), ensure_ascii=False),
        ]
        said += [json.dumps(self.park.query(FACTS, id=id_), ensure_ascii=False) for id_ in self.people()]
        return "\n".join(said)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    try:
        broker = Mosquitto.start(tmp_path / "mosquitto")
    except ServerMissing as missing:
        pytest.skip(str(missing))
    made = World(tmp_path, broker)
    try:
        made.park.start()
        yield made
    finally:
        made.park.close()
        broker.stop()


def hold(world: World) -> str:
    """Everything of the two people is in the hub; the first one's entity id."""
    world.enter(*TABLES)
    letter = json.dumps({"n": "?", "who": NAME, "call": PHONE}, ensure_ascii=False)
    publish(world.broker, "timed/gate", letter)
    publish(world.broker, "timed/gate", '{"n": "?", "who": "nobody"}')
    world.park.until(lambda: world.park.source("broker")["deadLetters"] == 2, "two dead letters")
    people = world.people()
    assert {each["name"] for each in people.values()} == {NAME, OTHER}
    return next(id_ for id_, each in people.items() if each["name"] == NAME)


def publish(broker: Mosquitto, topic: str, payload: str) -> None:
    subprocess.run(
        ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", topic, "-q", "1", "-m", payload],
        check=True,
        timeout=20,
    )


def test_nothing_of_an_erased_person_is_left_anywhere(world: World) -> None:
    park, tmp = world.park, world.folder
    person = hold(world)
    uploads = f"{park.state}/uploads/"  # what was sent lies there for an hour, as it is
    named = found([park.folder], [*PLAIN, *SEALED])
    assert any(f"{park.state}/graph/" in hit and hit.endswith(NAME) for hit in named)
    elsewhere = [hit for hit in named if not hit.startswith(uploads)]
    assert all(f"{park.state}/graph/" in hit and not hit.endswith(tuple(SEALED)) for hit in elsewhere), (
        "a name is plain in the graph's files alone, and sealed values nowhere"
    )
    assert NAME in world.answers() and PHONE in world.answers() and CERTIFICATE in world.answers()

    world.ask("backup", folder=str(tmp / "backup"))
    world.ask("backup-keys", file=str(tmp / "keys.copy"))
    looked = park.results("forget", "G-07", "--dry-run")
    assert {row["kind"] for row in looked["rows"]} == {"Person", "Qualification", "Shift"}
    assert looked["dead_letters"] == 1
    assert PHONE in world.answers(), "a look changes nothing"

    done = park.results("forget", "G-07", "--reason", "asked for on 28 November", "--yes")
    assert done["person"] == person and done["dead_letters_deleted"] == 1
    gone = [*PLAIN, PHONE, CERTIFICATE]
    people = world.people()
    assert not found([park.folder], gone)
    assert people[person]["name"] is None and people[person]["phone"] is None and people[person]["retired"]
    assert [each["name"] for each in people.values() if each["name"]] == [OTHER], "nobody else is touched"
    said = world.answers()
    assert not [text for text in (NAME, PHONE, CERTIFICATE) if text in said]
    assert OTHER_PHONE in said

    # Its source tells of it again: the person is there, and nothing personal of them.
    world.enter("people")
    again = world.people()[person]
    assert again["name"] is None and again["phone"] is None and again["roles"] == ["保安"] and not again["retired"]
    assert all(hit.startswith(uploads) for hit in found([park.folder], gone)), "the table that was sent, and no more"
    shutil.rmtree(park.state / "uploads")

    # A backup from before, put in place of the log.
    assert park.stop() == 0
    restored = park.command("restore", str(tmp / "backup"), "--force", "--keys", str(tmp / "keys.copy"))
    assert restored.returncode == 0, restored.stdout + restored.stderr
    park.start()
    back = world.people()
    assert {each["name"] for each in back.values()} == {None, OTHER}
    assert not found([park.folder, tmp / "backup"], gone)
    assert not [text for text in (NAME, PHONE, CERTIFICATE) if text in world.answers()]

    # The whole state folder is lost; backup and copy of the keys are from before the erasure.
    assert park.stop() == 0
    shutil.rmtree(park.state)
    restored = park.command("restore", str(tmp / "backup"), "--keys", str(tmp / "keys.copy"))
    assert restored.returncode == 0, restored.stdout + restored.stderr
    park.start()
    assert {each["name"] for each in world.people().values()} == {None, OTHER}
    assert not found([park.folder, tmp / "backup"], gone)

    # Readmitted: what is told from now on is taken in, under a new key.
    world.ask("readmit", person="G-07", reason="employed again")
    world.enter("people")
    assert {each["name"] for each in world.people().values()} == {NAME, OTHER}
    assert all(hit.startswith(uploads) for hit in found([park.folder], [PHONE, CERTIFICATE]))


def test_an_erasure_that_was_cut_short_is_ended_at_the_next_start(world: World) -> None:
    """The hub is killed while the graph's files are deleted."""
    park = world.park
    hold(world)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(world.ask, "forget", person="G-07", reason="asked for")
        park.until(lambda: (park.state / "graph.condemned").exists(), "the erasure to begin", 20)
        park.kill()
        assert isinstance(asked.exception(30), AlreadyRunning), "the command says that the hub went"
    park.start()
    people = world.people()
    if any(each["name"] == NAME for each in people.values()):  # it was killed before the log said so
        world.ask("forget", person="G-07", reason="asked for")
        people = world.people()
    assert {each["name"] for each in people.values()} == {None, OTHER}
    assert not found([park.folder], [*PLAIN, PHONE, CERTIFICATE])


def test_without_a_hub_the_same_is_erased(world: World) -> None:
    park = world.park
    hold(world)
    assert park.stop() == 0
    refused = park.command("forget", "G-07", "--reason", f"{NAME} asked", "--yes")
    assert refused.returncode == 1 and "names the person" in refused.stderr
    park.results("forget", "G-07", "--reason", "asked for", "--yes")
    assert not found([park.folder], [*PLAIN, PHONE, CERTIFICATE])
    park.start()
    assert {each["name"] for each in world.people().values()} == {None, OTHER}
