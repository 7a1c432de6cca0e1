"""A guard of the hub's own issuer, on duty in turns of a few seconds: a real hub, real tokens, an open stream."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from adapters.contract import Claim, Link
from graph_models.entities import Severity
from hub.cli.commands import app
from hub.clock import now
from hub.control import OperationFailed
from hub.journal.cursors import FeedCursor
from hub.journal.records import HUB, Draft
from hub.parts import open_parts
from hub.settings import load
from hub.warning import alerts
from tests.access.issuer.park import PASSWORD, Pkce, answer, fields
from tests.access.issuer.running import hub_process, write_park
from tests.servers.process import wait_for_port

TURN = 4  # seconds on duty, and as long off duty
ALERTS = 4
PEOPLE = "{ people { nodes { id name phone } } }"
WATCH = """subscription ($after: FeedCursor) { alerts(after: $after) { type alert { id
  place { peopleOnDuty { nodes { person { id name phone } } } } } } }"""
ACKNOWLEDGE = """mutation ($id: ID!, $key: String!) { acknowledgeAlert(id: $id, idempotencyKey: $key) {
  __typename } }"""


class Park:
    """`ids`: external id → entity id; `begin`: the first shift's beginning."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = write_park(folder)
        self.url = f"http://127.0.0.1:{self.port}"
        self.back = f"http://localhost:{self.port}/back"
        self.begin = now()
        self.ids: dict[str, str] = {}
        self.alerts: list[str] = []
        self.cursor = ""

    def on_duty(self, at: datetime) -> int | None:
        """Which turn it is, where the guard is on duty in it: even ones."""
        turn = int((at - self.begin) / timedelta(seconds=TURN))
        return turn if turn % 2 == 0 else None

    def wait_for_the_next_turn(self) -> None:
        passed = (now() - self.begin) / timedelta(seconds=1)
        time.sleep(TURN - passed % TURN)

    async def fill(self) -> None:
        async with open_parts(load(self.folder / "park.toml")) as parts:
            people = ("wang", "zhao", "li")
            claims = [Claim(kind="Place", external_id="b1", values={"kind": "BUILDING", "name": "B1"})]
            claims += [
                Claim(kind="Person", external_id=name, values={"name": f"{name} jia", "phone": f"1380013800{number}"})
                for number, name in enumerate(people)
            ]
            claims.append(self._shift("all day", "zhao", 0, 3600))
            claims += [self._shift(f"{n}", "wang", n * TURN, (n + 1) * TURN) for n in range(0, 100, 2)]
            said = await parts.journal.append(Draft(source="survey", received_at=now(), claims=claims))
            self.ids = dict(said.entities)
            building = alerts.Named(id=self.ids["b1"], kind="BUILDING", name="B1")
            for number in range(ALERTS):
                id_ = alerts.alert_id(parts.journal.epoch, "hot", building.id, str(number))
                opened = alerts.opened(
                    id=id_, rule="hot", severity=Severity.MINOR, code="c", at=now(), measured=None, subject=building,
                    path=[building],
                )  # fmt: skip
                event = alerts.event(alerts.OPENED, opened, expected=0, actor="tester", cause=None)
                await parts.journal.append(Draft(source=HUB, received_at=now(), events=[event]))
                self.alerts.append(id_)
            self.cursor = FeedCursor(epoch=parts.journal.epoch, seq=parts.journal.head).encode()

    def _shift(self, name: str, who: str, starts: float, ends: float) -> Claim:
        begin, end = ((self.begin + timedelta(seconds=at)).isoformat(timespec="microseconds") for at in (starts, ends))
        links = (Link(relation="SERVED_BY", target=who), Link(relation="POSTED_AT", target="b1"))
        return Claim(
            kind="Shift", external_id=f"shift {name}", values={"starts_at": begin, "ends_at": end}, links=links
        )

    def command(self, *words: str) -> dict[str, Any]:
        done = CliRunner().invoke(app, [*words, "-c", str(self.folder / "park.toml"), "--json"], input=f"{PASSWORD}\n")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout.splitlines()[-1])["result"]  # type: ignore[no-any-return]

    def token(self, name: str) -> str:
        """By the login page, as a person gets one."""
        pkce = Pkce()
        query = {
            "response_type": "code", "client_id": "explorer", "redirect_uri": self.back, "state": "s",
            "scope": "purpose:operations", "code_challenge": pkce.challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        with httpx.Client(base_url=self.url) as browser:
            page = browser.get("/oauth/authorize", params=query)
            sent = browser.post("/oauth/login", data=fields(page) | {"name": name, "password": PASSWORD})
            page = browser.get(sent.headers["location"])
            code = answer(browser.post("/oauth/authorize", data=fields(page) | {"decision": "allow"}))["code"]
        given = {
            "grant_type": "authorization_code", "client_id": "explorer", "code": code, "redirect_uri": self.back,
            "code_verifier": pkce.verifier,
        }  # fmt: skip
        return str(httpx.post(f"{self.url}/oauth/token", data=given).json()["access_token"])

    def filled(self, token: str) -> bool:
        """Whether the graph answers, and has been filled."""
        found = self._post(token, "{ people { totalCount } }")
        return not found.get("errors") and found["data"]["people"]["totalCount"] == 3

    def _post(self, token: str, query: str, **variables: object) -> Any:
        body, headers = {"query": query, "variables": variables}, {"authorization": f"Bearer {token}"}
        return httpx.post(f"{self.url}/graphql", json=body, headers=headers, timeout=30).json()

    def ask(self, token: str, query: str, **variables: object) -> dict[str, Any]:
        said = self._post(token, query, **variables)
        assert not said.get("errors"), said
        return said["data"]  # type: ignore[no-any-return]

    def people(self, token: str) -> dict[str, Any]:
        called = {id_: name for name, id_ in self.ids.items()}
        found = self.ask(token, PEOPLE)["people"]["nodes"]
        assert [each["phone"] for each in found] == [None] * len(found)
        return {called[each["id"]]: each["name"] for each in found}


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Park]:
    park = Park(tmp_path_factory.mktemp("duty"))
    asyncio.run(park.fill())
    guard = ("--role", "guard", "--password-file", "-")
    park.command("users", "add", "wang", *guard, "--person", park.ids["wang"])
    park.command("users", "add", "nobody", *guard)
    grants = ("--grant", "code", "--grant", "refresh")
    park.command("clients", "add", "explorer", "--redirect", park.back, "--scope", "purpose:operations", *grants)
    hub = hub_process(park.folder)
    try:
        wait_for_port(park.port, hub)
        token = park.token("nobody")
        while not park.filled(token):
            hub.still_running()
            time.sleep(0.1)
        yield park
    finally:
        hub.stop()


OFF = {"wang": None, "zhao": None, "li": None}
ON = {"wang": "wang jia", "zhao": "zhao jia", "li": None}


def test_a_guard_sees_who_is_on_duty_while_they_are_on_duty(park: Park) -> None:
    token, seen = park.token("wang"), set[bool]()
    until = now() + timedelta(seconds=6 * TURN)
    while seen != {True, False}:
        assert now() < until
        sent = park.on_duty(now())
        found = park.people(token)
        if park.on_duty(now()) != sent:
            continue  # the turn changed on the way
        assert found == (OFF if sent is None else ON)
        seen.add(sent is not None)
        park.wait_for_the_next_turn()
    assert park.people(park.token("nobody")) == OFF


def test_an_open_stream_follows_the_turns(park: Park) -> None:
    token, heard = park.token("wang"), Queue[dict[str, Any]]()
    open_, over = threading.Event(), threading.Event()

    def listen() -> None:
        headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
        body = {"query": WATCH, "variables": {"after": park.cursor}}
        with httpx.stream("POST", f"{park.url}/graphql", json=body, headers=headers, timeout=60) as stream:
            open_.set()
            for line in stream.iter_lines():
                if line.startswith("data: {"):
                    heard.put(json.loads(line.removeprefix("data: ")))
                if over.is_set():
                    return

    threading.Thread(target=listen, daemon=True).start()
    assert open_.wait(30)
    ids, seen = list(park.alerts), set[bool]()
    until = now() + timedelta(seconds=6 * TURN)
    while seen != {True, False}:
        assert now() < until
        sent = park.on_duty(now())
        over.clear() if len(ids) > 1 else over.set()
        told = park.ask(token, ACKNOWLEDGE, id=(id_ := ids.pop()), key=id_)
        assert told["acknowledgeAlert"]["__typename"] == "AcknowledgeAlertSuccess"
        event = heard.get(timeout=30)["data"]["alerts"]
        if park.on_duty(now()) != sent:
            continue
        assert event["alert"]["id"] == id_
        shown = {each["person"]["id"]: each["person"] for each in event["alert"]["place"]["peopleOnDuty"]["nodes"]}
        assert shown[park.ids["zhao"]] == {
            "id": park.ids["zhao"],
            "name": None if sent is None else "zhao jia",
            "phone": None,
        }
        seen.add(sent is not None)
        park.wait_for_the_next_turn()
    over.set()


def test_an_account_is_of_a_person_or_of_nobody(park: Park) -> None:
    person, place = park.ids["li"], park.ids["b1"]
    with pytest.raises(OperationFailed, match=r"is Place: give the id of a person"):
        park.command("users", "roles", "nobody", "--role", "guard", "--person", place)
    with pytest.raises(OperationFailed, match=r"the park knows no 'wang': give the id of a person"):
        park.command("users", "roles", "nobody", "--role", "guard", "--person", "wang")
    assert park.command("users", "roles", "nobody", "--role", "guard", "--person", person)["person"] == person
    assert park.command("users", "roles", "nobody", "--role", "guard")["person"] == person
    assert park.command("users", "roles", "nobody", "--role", "guard", "--person", "")["person"] is None
