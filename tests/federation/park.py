"""A park whose graph a gateway joins with a fire brigade's: the hub with its own accounts, a broker, two tenants."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from adapters.contract import Claim, Identifier, Link
from hub.access.issuer.clients import CREDENTIALS, Client
from hub.clock import now
from hub.journal.records import HUB, Draft
from hub.parts import open_parts
from hub.settings import load
from tests.failure.park import RULES
from tests.servers.process import Process, free_port

FILE = """rules = "rules.toml"
[park]
name = "Federated park"
[web]
port = {port}
introspection = false
[accounts]
url = "http://127.0.0.1:{port}"
[[quantity]]
name = "temperature"
unit = "Cel"
[[source]]
id = "detectors"
adapter = "mqtt"
expect_within = "10m"
trusted_schemes = ["serial_number"]
[source.config]
host = "127.0.0.1"
port = {broker}
[[source.config.subscriptions]]
topic = "{{place}}/{{sensor}}"
format = "number"
place = "{{place}}"
quantity = "temperature"
unit = "Cel"
"""


def _thing(type_: str, id_: str, /, *links: tuple[str, str], **values: str | float) -> Claim:
    linked = tuple(Link(relation=relation, target=target) for relation, target in links)
    return Claim(kind=type_, external_id=id_, values=values, links=linked)


def _claims() -> Iterator[Claim]:
    yield _thing("Place", "park", kind="PARK", name="Park")
    yield _thing("SupplyItem", "item", code="1010101", name="Foam", unit="kg")
    for which in "ab":
        hall = f"hall-{which}"
        yield _thing("Place", hall, ("PART_OF", "park"), kind="BUILDING", name=f"Hall {which}")
        yield _thing("Organization", which, ("OCCUPIES", hall), kind="ENTERPRISE", name=f"Tenant {which}")
        yield _thing("Person", f"person-{which}", ("EMPLOYED_BY", which), name=f"Li {which}", phone="13800138001")
        held = (("STORED_IN", hall), ("OWNED_BY", which), ("OF_ITEM", "item"))
        lot = {"name": f"foam of {which}", "item_code": "1010101", "unit": "kg", "sharing": "AGREED"}
        yield _thing("SupplyLot", f"lot-{which}", *held, quantity=50.0, **lot)
        yield _thing(
            "Asset",
            f"tank-{which}",
            ("LOCATED_IN", hall),
            ("OWNED_BY", which),
            kind="EQUIPMENT",
            name=f"tank of {which}",
        )


@dataclass(kw_only=True)
class Park:
    """`ids`: external id → entity id. `merged`: the id of an asset that became another one, and that one's."""

    folder: Path
    broker: int
    port: int = field(default_factory=free_port)
    ids: Mapping[str, str] = field(default_factory=dict)
    merged: tuple[str, str] = ("", "")
    hub: Process | None = None
    number: int = 0  # of the next detector
    _secrets: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "rules.toml").write_text(RULES, encoding="utf-8")
        (self.folder / "park.toml").write_text(FILE.format(port=self.port, broker=self.broker), encoding="utf-8")
        asyncio.run(self._fill())

    async def _fill(self) -> None:
        async with open_parts(load(self.folder / "park.toml")) as parts:

            async def append(source: str, *claims: Claim) -> Mapping[str, str]:
                said = await parts.journal.append(Draft(source=source, received_at=now(), claims=claims))
                return dict(said.entities)

            self.ids = await append(HUB, *_claims())
            serial = (Identifier(scheme="serial_number", value="ACME/77"),)
            one = Claim(kind="Asset", external_id="one", values={"kind": "SENSOR", "name": "One"}, identifiers=serial)
            two = Claim(kind="Asset", external_id="two", values={"kind": "SENSOR", "name": "Two"})
            lives = (await append(HUB, one))["one"]
            gone = (await append("detectors", two))["two"]
            await append("detectors", Claim(kind="Asset", external_id="two", values=two.values, identifiers=serial))
            self.merged = (gone, lives)
            assert parts.issuer is not None
            for name, role, organization in (
                ("command", "commander", None),
                ("tenant-a", "tenant", self.ids["a"]),
                ("tenant-b", "tenant", self.ids["b"]),
            ):
                client = Client(
                    id=name,
                    name=name,
                    secret=b"made by the register",
                    native=False,
                    introspects=False,
                    redirect_uris=(),
                    grants=frozenset({CREDENTIALS}),
                    scopes=(),
                    roles=(role,),
                    organization=organization,
                )
                self._secrets[name] = parts.issuer.clients.add(client) or ""

    def start(self) -> None:
        command = [sys.executable, "-m", "hub.cli", "serve", "--config", str(self.folder / "park.toml")]
        self.hub = Process(command, self.folder, name="hub", env={"NEO4J_URI": ""})
        query = "{ organizations { totalCount } }"

        def answers() -> bool:
            told = ask(f"{self.url}/graphql", self.token("command"), query)
            return bool(told["data"]["organizations"]["totalCount"] == 2)

        until(answers, self.hub)

    def stop(self) -> None:
        if self.hub is not None:
            self.hub.stop(signal.SIGTERM, 30)

    def token(self, client: str) -> str:
        """Of the hub's own issuer, by the client's credentials."""
        answer = httpx.post(
            f"{self.url}/oauth/token", data={"grant_type": "client_credentials"}, auth=(client, self._secrets[client])
        )
        return str(answer.raise_for_status().json()["access_token"])

    def measure(self, place: str, sensor: str, degrees: float) -> None:
        """A detector's message, taken by the broker."""
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", self.broker)
        client.loop_start()
        client.publish(f"{place}/{sensor}", str(degrees), qos=1).wait_for_publish(10)
        client.disconnect()
        client.loop_stop()


def ask(
    url: str, token: str | None, query: str, /, headers: Mapping[str, str] | None = None, **variables: object
) -> Any:
    """The whole answer."""
    given = {"authorization": f"Bearer {token}"} if token else {}
    body = {"query": query, "variables": variables}
    return httpx.post(url, json=body, headers={**given, **(headers or {})}, timeout=30).json()


def until(holds: Callable[[], object], process: Process, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        process.still_running()
        try:
            if holds():
                return
        except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
            last = error
        time.sleep(0.1)
    raise TimeoutError(f"waited in vain ({last}); see {process.log}")


@contextmanager
def socket(url: str, payload: Mapping[str, object], query: str, **variables: object) -> Iterator[ClientConnection]:
    """A subscription over graphql-transport-ws; its first message is the next to be received."""
    protocol = Subprotocol("graphql-transport-ws")
    with connect(url.replace("http", "ws", 1), subprotocols=[protocol], open_timeout=20) as opened:
        opened.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(opened.recv(10))["type"] == "connection_ack"
        asked = {"query": query, "variables": variables}
        opened.send(json.dumps({"type": "subscribe", "id": "1", "payload": asked}))
        yield opened


@contextmanager
def events(url: str, token: str | None, query: str, **variables: object) -> Iterator[Iterator[dict[str, Any]]]:
    """The same over server-sent events: each `next`."""
    headers = {"accept": "text/event-stream", **({"authorization": f"Bearer {token}"} if token else {})}
    body = {"query": query, "variables": variables}
    with httpx.stream("POST", url, json=body, headers=headers, timeout=30) as answer:
        assert answer.status_code == 200, answer.read()
        yield _read(answer.iter_lines())


def _read(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.startswith("data:") and line[5:].strip():
            yield json.loads(line[5:])
