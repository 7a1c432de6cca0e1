"""Two tenants side by side, through a hub in a process of its own: its own issuer's tokens, the shipped policies, a
sensor on a real broker. A fire at B reaches A, who is next door, within a second and says nothing of B; C, who is far
away, hears nothing. B's lots are nowhere for A."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from adapters.contract import Claim, Link
from hub.access.issuer.clients import CREDENTIALS, Client
from hub.clock import now
from hub.journal.cursors import FeedCursor
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import Draft, EventEntry
from hub.parts import open_parts
from hub.settings import load
from hub.warning import alerts
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import Process, ServerMissing, free_port

PARK = """rules = "rules.toml"
[park]
name = "Two tenants"
[web]
port = {port}
[accounts]
url = "http://127.0.0.1:{port}"
[[quantity]]
name = "temperature"
unit = "Cel"
"""
SENSORS = """
[[source]]
id = "broker"
adapter = "mqtt"
[source.config]
host = "127.0.0.1"
port = {port}
[[source.config.subscriptions]]
topic = "halls/{{sensor}}"
format = "number"
unit = "Cel"
quantity = "temperature"
place = "{place}"
"""
RULES = """
[[limit]]
id = "hot"
quantity = "temperature"
unit = "Cel"
direction = "high"
limit = 70
hysteresis = 5
severity = "SEVERE"
code = "temperature_high"

"""
SECRET = "Bolt"
"""What the names of B, its hall, its lots and its sensor have in common."""
TERMS = ("OWN", "AGREED", "ASK", "NOT_SHARED", "ASK again", "NOT_SHARED again")
"""Of each tenant's lots; counts tell of no group below five."""
ALERT = "id severity state subject { id name } placePath { id name }"
ALERTS = f"subscription {{ alerts {{ cursor type alert {{ {ALERT} }} }} }}"
BEYOND = "asset { id name } place { id name occupants { nodes { id name } } }"
"""What only the graph has of an alert."""
LOTS = "subscription ($after: FeedCursor) { lots(after: $after) { lot name quantity holder } }"


def thing(type_: str, id_: str, links: Mapping[str, str] | None = None, /, **values: Any) -> Claim:
    linked = tuple(Link(relation=relation, target=target) for relation, target in (links or {}).items())
    return Claim(kind=type_, external_id=id_, values=values, links=linked)


def claims() -> list[Claim]:
    def lots(owner: str, name: str) -> Iterator[Claim]:
        for terms in TERMS:
            held = {"STORED_IN": f"hall {owner}", "OWNED_BY": owner, "OF_ITEM": "item"}
            values = {"name": f"{name} rope {terms}", "item_code": "1010101", "unit": "{piece}", "quantity": 77.25}
            yield thing(
                "SupplyLot", f"lot {owner} {terms}", held, sharing=terms.split()[0], agreed_quantity=5.5, **values
            )

    hall_a = {"PART_OF": "park", "ADJACENT_TO": "hall b"}
    return [
        thing("Place", "park", kind="PARK", name="Park"),
        thing("Place", "hall a", hall_a, kind="BUILDING", name="Acme hall"),
        thing("Place", "hall b", {"PART_OF": "park"}, kind="BUILDING", name=f"{SECRET} hall"),
        thing("Organization", "a", {"OCCUPIES": "hall a"}, kind="ENTERPRISE", name="Acme"),
        thing("Organization", "b", {"OCCUPIES": "hall b"}, kind="ENTERPRISE", name=SECRET),
        thing("Place", "hall c", {"PART_OF": "park"}, kind="BUILDING", name="Far hall"),
        thing("Organization", "c", {"OCCUPIES": "hall c"}, kind="ENTERPRISE", name="Far"),
        thing("SupplyItem", "item", code="1010101", name="Rope", unit="{piece}"),
        *lots("a", "Acme"),
        *lots("b", SECRET),
    ]


@dataclass(kw_only=True)
class Park:
    """`ids`: external id → entity id; `secrets` of the two tenants' clients."""

    folder: Path
    broker: Mosquitto
    port: int
    ids: Mapping[str, str]
    secrets: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self, tenant: str) -> str:
        """By the client's own credentials."""
        answer = httpx.post(
            f"{self.url}/oauth/token", data={"grant_type": "client_credentials"}, auth=(tenant, self.secrets[tenant])
        )
        return str(answer.json()["access_token"])

    def ask(self, token: str, query: str, **variables: object) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        headers = {"authorization": f"Bearer {token}"}
        return dict(httpx.post(f"{self.url}/graphql", json=body, headers=headers, timeout=30).json())

    def lots(self, tenant: str) -> list[str]:
        return [self.ids[f"lot {tenant} {terms}"] for terms in TERMS]

    @contextmanager
    def watching(self, token: str, query: str, **variables: object) -> Iterator[ClientConnection]:
        protocol = Subprotocol("graphql-transport-ws")
        with connect(f"ws://127.0.0.1:{self.port}/graphql", subprotocols=[protocol]) as socket:
            payload = {"authorization": f"Bearer {token}"}
            socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            assert json.loads(socket.recv(10))["type"] == "connection_ack"
            asked = {"query": query, "variables": variables}
            socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": asked}))
            yield socket

    def beginning(self, token: str) -> str:
        """The cursor of the log's beginning."""
        read_at = self.ask(token, "{ supplyLots(first: 1) { readAt } }")["data"]["supplyLots"]["readAt"]
        return replace(FeedCursor.decode(read_at), seq=0).encode()

    async def opened(self, alert: str) -> EventEntry:
        """As the log has it, read beside the running hub."""
        config = JournalConfig(url="sqlite", folder=self.folder / "var", read_only=True)
        journal = await Journal.open(config)
        try:
            return (await journal.stream(alerts.stream(alert)))[0]
        finally:
            await journal.close()


async def furnished(file: Path) -> tuple[Mapping[str, str], Mapping[str, str]]:
    async with open_parts(load(file)) as parts:
        said = await parts.journal.append(Draft(source="survey", received_at=now(), claims=claims()))
        assert parts.issuer is not None
        secrets = {}
        for tenant in ("a", "b", "c"):
            client = Client(
                id=tenant, name=tenant, secret=b"made by the register", native=False, introspects=False,
                redirect_uris=(), grants=frozenset({CREDENTIALS}), scopes=("purpose:own_business",),
                roles=("tenant",), organization=said.entities[tenant],
            )  # fmt: skip
            secrets[tenant] = parts.issuer.clients.add(client) or ""
        return dict(said.entities), secrets


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Park]:
    folder, port = tmp_path_factory.mktemp("tenants"), free_port()
    try:
        broker = Mosquitto.start(folder / "mosquitto")
    except ServerMissing as missing:
        pytest.skip(str(missing))
    file = folder / "park.toml"
    (folder / "rules.toml").write_text(RULES)
    file.write_text(PARK.format(port=port))
    ids, secrets = asyncio.run(furnished(file))
    file.write_text(PARK.format(port=port) + SENSORS.format(port=broker.port, place=ids["hall b"]))
    command = [sys.executable, "-m", "hub.cli", "serve", "--config", str(file)]
    hub = Process(command, folder, name="hub", env={"NEO4J_URI": ""})
    made = Park(folder=folder, broker=broker, port=port, ids=ids, secrets=secrets)
    try:
        until(lambda: whole(made, hub), "the hub to show each tenant its lots")
        yield made
    finally:
        hub.stop(signal.SIGTERM, 30)
        broker.stop()


def whole(park: Park, hub: Process) -> bool:
    hub.still_running()
    try:
        count = "{ supplyLots { totalCount } }"
        found = [park.ask(park.token(tenant), count) for tenant in ("a", "b")]
    except (httpx.HTTPError, KeyError, ValueError):
        return False
    told = [((each.get("data") or {}).get("supplyLots") or {}).get("totalCount") for each in found]
    return told == [len(TERMS)] * 2


def until(holds: Any, what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.1)


def measured(park: Park, sensor: str, value: float) -> None:
    """The first that the hub hears of the sensor; retained, for a hub that only just subscribes."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", park.broker.port)
    client.loop_start()
    client.publish(f"halls/{sensor}", str(value), qos=1, retain=True).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


@pytest.mark.timeout(180)
def test_a_fire_at_b_reaches_a_within_a_second_and_says_nothing_of_b(park: Park) -> None:
    mine, theirs, far = (park.token(tenant) for tenant in ("a", "b", "c"))
    with (
        park.watching(mine, ALERTS) as watched,
        park.watching(theirs, ALERTS) as own,
        park.watching(far, ALERTS) as away,
    ):
        measured(park, f"{SECRET}-boiler", 90.0)
        frame = str(watched.recv(30))
        received = now()
        of_b = json.loads(own.recv(30))["payload"]["data"]["alerts"]["alert"]
        with pytest.raises(TimeoutError):
            away.recv(1)
    told = json.loads(frame)["payload"]
    assert "errors" not in told, told
    alert = told["data"]["alerts"]["alert"]
    opened = asyncio.run(park.opened(alert["id"]))
    assert (received - opened.recorded_at).total_seconds() < 1
    assert (alert["id"], alert["severity"], alert["state"]) == (of_b["id"], "SEVERE", "UNACKNOWLEDGED")
    assert park.ids["hall b"] in [place["id"] for place in alert["placePath"]]
    recorded: Any = opened.data["alert"]
    subject = recorded["subject"]
    assert subject["name"] == f"{SECRET}-boiler"
    assert f"{SECRET} hall" in json.dumps(of_b)  # whoever it burns at is told where
    secrets = (SECRET, park.ids["b"], subject["id"], *park.lots("b"))
    for secret in secrets:
        assert secret not in frame

    one = f"query ($id: ID!) {{ alert(id: $id) {{ {ALERT} {BEYOND} }} }}"
    until(lambda: shown(park.ask(theirs, one, id=alert["id"])), "the graph to know of the alert")
    assert SECRET in json.dumps(park.ask(theirs, one, id=alert["id"]))
    read = park.ask(mine, one, id=alert["id"])
    assert {name: read["data"]["alert"][name] for name in alert} == alert
    for secret in secrets:
        assert secret not in json.dumps(read)
    assert not shown(park.ask(far, one, id=alert["id"]))


def shown(answer: dict[str, Any]) -> bool:
    return ((answer.get("data") or {}).get("alert") or {}).get("id") is not None


LOT = "id name quantity holder { id name } place { id }"
PATHS = {
    "list": f"query P($b: ID!) {{ supplyLots(first: 100) {{ totalCount nodes {{ {LOT} }} }} place(id: $b) {{ id }} }}",
    "node": f"query P($lot: ID!) {{ node(id: $lot) {{ id ... on SupplyLot {{ {LOT} }} }} }}",
    "one": f"query P($lot: ID!) {{ supplyLot(id: $lot, includeRetired: true) {{ {LOT} }} }}",
    "entities": f"query P($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on SupplyLot {{ {LOT} }} }} }}",
    "below a place": f"query P($hall: ID!) {{ place(id: $hall) {{ lots {{ totalCount nodes {{ {LOT} }} }} }} }}",
    "facts": """query P($lot: ID!) { supplyLot(id: $lot) {
        facts(fields: ["name", "quantity"]) { value source observedAt } } }""",
    "sort": f"{{ supplyLots(first: 100, orderBy: NAME_DESC) {{ nodes {{ {LOT} }} }} }}",
    "filter by id": f"query P($lots: [ID!]) {{ supplyLots(filter: {{ids: $lots}}) {{ nodes {{ {LOT} }} }} }}",
    "filter by holder": f"query P($b: ID!) {{ supplyLots(filter: {{holder: [$b]}}) {{ nodes {{ {LOT} }} }} }}",
    "filter by place": f"query P($hall: ID!) {{ supplyLots(filter: {{within: $hall}}) {{ nodes {{ {LOT} }} }} }}",
    "search": f'{{ supplyLots(filter: {{search: "bolt"}}) {{ nodes {{ {LOT} }} }} }}',
}


@pytest.mark.parametrize("path", PATHS)
def test_bs_lots_are_nowhere_for_a(park: Park, path: str) -> None:
    lot = park.lots("b")[0]
    given = {"b": park.ids["b"], "lot": lot, "lots": park.lots("b"), "hall": park.ids["hall b"]}
    asked = {"r": [{"__typename": "SupplyLot", "id": each} for each in park.lots("b")], **given}
    variables = {name: value for name, value in asked.items() if f"${name}:" in PATHS[path]}
    there = json.dumps(park.ask(park.token("b"), PATHS[path], **variables))
    assert f"{SECRET} rope" in there, there  # whoever it belongs to finds it so
    found = park.ask(park.token("a"), PATHS[path], **variables)
    assert "errors" not in found, found
    told = json.dumps(found)
    for secret in (SECRET, *park.lots("b")):
        assert secret not in told
    if path in ("list", "sort"):
        assert [each["name"][:4] for each in found["data"]["supplyLots"]["nodes"]] == ["Acme"] * len(TERMS)


def test_a_count_and_a_stream_tell_a_of_its_own_alone(park: Park) -> None:
    mine, theirs = park.token("a"), park.token("b")
    count = "{ lotCounts(by: [ITEM_CODE]) { total } }"
    for token in (mine, theirs):
        assert park.ask(token, count)["data"]["lotCounts"]["total"] == len(TERMS)
    told = {}
    for tenant, token in (("a", mine), ("b", theirs)):
        with park.watching(token, LOTS, after=park.beginning(token)) as watched:
            frames = [str(watched.recv(20)) for _ in TERMS]
            with pytest.raises(TimeoutError):
                watched.recv(1)
        told[tenant] = {json.loads(frame)["payload"]["data"]["lots"]["lot"] for frame in frames}
        assert (SECRET in "".join(frames)) is (tenant == "b")
    assert told == {"a": set(park.lots("a")), "b": set(park.lots("b"))}
