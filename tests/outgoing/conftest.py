"""One real hub with tokens, a CAP feed and two webhooks, for all tests of this folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.federation.park import Park, ask
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import ServerMissing
from tests.servers.receiver import SECRET, Receiver, receiving

OPEN = """mutation ($places: [ID!]!, $key: String!, $drill: Boolean! = false) {
  openIncident(places: $places, kind: FIRE, drill: $drill, idempotencyKey: $key) {
    ... on OpenIncidentSuccess { projected incident { id number openedAt } } ... on Problem { message } } }"""
CLOSE = """mutation ($id: ID!, $key: String!) {
  closeIncident(id: $id, idempotencyKey: $key) { ... on CloseIncidentSuccess { projected } } }"""


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    park: Park
    command: Receiver  # in the role of the commander
    tenant: Receiver  # in that of the tenant of hall a

    def open(self, key: str, *places: str, drill: bool = False) -> Any:
        named = [self.park.ids[place] for place in places]
        token = self.park.token("command")
        told = ask(f"{self.park.url}/graphql", token, OPEN, places=named, key=key, drill=drill)
        assert told["data"]["openIncident"]["projected"], told
        return told["data"]["openIncident"]["incident"]

    def close(self, key: str, id_: str) -> None:
        told = ask(f"{self.park.url}/graphql", self.park.token("command"), CLOSE, id=id_, key=key)
        assert told["data"]["closeIncident"]["projected"], told


@pytest.fixture(scope="session")
def outgoing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outgoing]:
    folder = tmp_path_factory.mktemp("outgoing")
    try:
        broker = Mosquitto.start(folder / "broker")
    except ServerMissing as missing:
        pytest.skip(str(missing))
    park = Park(folder=folder / "park", broker=broker.port)
    with receiving() as command, receiving() as tenant:
        try:
            park.prepare()
            secret = park.folder / "webhook.secret"
            secret.write_text(SECRET, encoding="utf-8")
            more = f'[cap]\nsender = "hub@park.example"\n{_hook("command", command, secret, "commander")}'
            more += _hook("tenant", tenant, secret, "tenant", park.ids["a"])
            with (park.folder / "park.toml").open("a", encoding="utf-8") as file:
                file.write(more)
            park.start()
            yield Outgoing(park=park, command=command, tenant=tenant)
        finally:
            park.stop()
            broker.stop()


def _hook(name: str, receiver: Receiver, secret: Path, role: str, organization: str | None = None) -> str:
    of = f'organization = "{organization}"\n' if organization else ""
    return f"""[[webhook]]
name = "{name}"
url = "{receiver.url}"
secret = {{ file = "{secret}" }}
role = "{role}"
kinds = ["alerts", "incidents"]
{of}"""
