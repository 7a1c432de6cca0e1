"""Break-glass over the wire: real tokens, the shipped policies, a real graph. What it opens, on requests and on streams
that are open already, who is told, and how soon all is closed again."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection, connect

from adapters.contract import Claim, Link
from hub.access.audit.audit import Audit
from hub.access.audit.store import AuditConfig
from hub.access.break_glass.desk import BreakGlasses
from hub.access.moment import Now
from hub.access.policy.catalogue import declared
from hub.access.policy.load import load
from hub.access.policy.policies import Policies
from hub.clock import ManualClock, now
from hub.graph.selection import MASKABLE
from hub.telemetry import Metrics
from hub.viewer import LOCAL_ADMINISTRATOR, Mask
from hub.web.application import create_application
from hub.web.config import WebConfig
from hub.web.health import Probes
from hub.web.operation import Asker
from hub.web.server import serve
from schema.context import Context, Store
from schema.schema import schema
from tests.access.issuing import TestIssuer
from tests.schema.conftest import Run
from tests.schema.hub import Hub

PHONE = "13900001234"
BREAK = """mutation ($reason: String!, $case: String, $incident: ID, $key: String!) {
  breakGlass(reason: $reason, caseNumber: $case, incident: $incident, minutes: 1, idempotencyKey: $key) {
    __typename ... on BreakGlassSuccess { breakGlass { id subject until } } ... on Problem { code message } } }"""
END = "mutation ($id: ID!) { endBreakGlass(id: $id) { __typename ... on Problem { message } } }"
ALERTS = """subscription { alerts { alert { place {
    peopleOnDuty { nodes { person { phone } } } } } } }"""
TOLD = "subscription { breakGlasses { type breakGlass { id subject reason caseNumber endedBy } } }"
PEOPLE = "{ people { nodes { phone } } }"
REASON = "三楼起火，需要联系值班人员"


class Park:
    """The hub with issuers, policies and break-glass, behind its real server; one clock for tokens and glasses."""

    def __init__(self, hub: Hub, audit: Audit, store: Store) -> None:
        self.hub, self.audit = hub, audit
        self.issuer = TestIssuer(leeway=timedelta(0))
        self.clock: ManualClock = self.issuer.clock
        self.clock.moment = now()
        self.issuer.tokens.defaults = lambda: {
            "guard": "operations",
            "privacy_officer": "privacy",
            "administrator": "administration",
        }
        policies = Policies(load(None, declared(MASKABLE)))
        self.glasses = BreakGlasses(hub.journal, self.clock, lambda: policies)
        self.moment = Now(frozenset, self.glasses.broken, lambda viewer: False)
        services = replace(hub.services, break_glasses=self.glasses, audit=audit, store=store)

        def context(asker: Asker, mask: Mask) -> Context:
            return Context(services=services, viewer=asker.viewer, mask=mask)

        self.config = WebConfig(port=0)
        self.application = create_application(
            schema, context, self.config, metrics=Metrics(), probes=Probes(), authority=self.issuer.tokens,
            rights=policies, moment=self.moment, clock=self.clock, audit=audit,
        )  # fmt: skip
        self.stop = asyncio.Event()
        self.url = ""

    def token(self, role: str = "guard", **claims: object) -> str:
        at = int(self.clock().timestamp())
        return self.issuer.token(**{"sub": role, "roles": [role], "auth_time": at, "scope": "openid", **claims})

    async def ask(self, token: str, document: str, **variables: object) -> Any:
        async with httpx.AsyncClient(base_url=self.url) as client:
            answer = await client.post(
                "/graphql",
                json={"query": document, "variables": variables},
                headers={"authorization": f"Bearer {token}"},
            )
        told = answer.json()
        assert "errors" not in told, told
        return told["data"]

    @asynccontextmanager
    async def watching(self, token: str, document: str) -> AsyncIterator[ClientConnection]:
        address = self.url.replace("http://", "ws://") + "/graphql"
        async with connect(address, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
            following = self.hub.services.feed.subscribers  # type: ignore[attr-defined]
            init = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
            await socket.send(json.dumps(init))
            assert json.loads(await socket.recv())["type"] == "connection_ack"
            await socket.send(json.dumps({"type": "subscribe", "id": "a", "payload": {"query": document}}))
            async with asyncio.timeout(10):
                while self.hub.services.feed.subscribers == following:  # type: ignore[attr-defined]  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            yield socket

    async def next(self, socket: ClientConnection) -> Any:
        async with asyncio.timeout(10):
            told = json.loads(await socket.recv())
        assert told["type"] == "next" and "errors" not in told["payload"], told
        return told["payload"]["data"]

    async def phones(self, socket: ClientConnection) -> list[Any]:
        """Opens an alert; the telephones of those on duty there, as its event tells them."""
        await self.hub.open_alert(str(uuid4()), at=now())
        people = (await self.next(socket))["alerts"]["alert"]["place"]["peopleOnDuty"]["nodes"]
        return [each["person"]["phone"] for each in people]


class Slow:
    """The graph, whose answers are held back until `go`."""

    def __init__(self, hub: Hub) -> None:
        self._store = hub.store
        self.go, self.read_begun = asyncio.Event(), asyncio.Event()
        self.go.set()

    async def read(self, statement: str, parameters: Mapping[str, object]) -> list[dict[str, object]]:
        found = await self._store.read(statement, parameters)
        if not self.go.is_set():
            self.read_begun.set()
            await self.go.wait()
        return found


@asynccontextmanager
async def opened(hub: Hub, folder: Path, store: Store | None = None) -> AsyncIterator[Park]:
    hours = timedelta(hours=2)
    person = Claim(kind="Person", external_id="glass-li", values={"name": "李明", "phone": PHONE, "roles": ("值班员",)})
    shift = Claim(
        kind="Shift",
        external_id="glass-shift",
        values={"role": "guard", "starts_at": (now() - hours).isoformat(), "ends_at": (now() + hours).isoformat()},
        links=(Link(relation="SERVED_BY", target="glass-li"), Link(relation="POSTED_AT", target="east")),
    )
    await hub.append(source="plan", claims=[person, shift])
    audit = await Audit.open(AuditConfig(url="sqlite", folder=folder, key=folder.parent / "audit.key"))
    park = Park(hub, audit, store or hub.store)
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(serve(park.application, park.config, park.stop, listening.set_result))
            following = group.create_task(park.glasses.run())
            park.url = await listening
            try:
                yield park
            finally:
                park.stop.set()
                following.cancel()
    finally:
        await audit.close()
        gone = [Claim(kind=each.kind, external_id=each.external_id, gone=True) for each in (shift, person)]
        await hub.append(source="plan", claims=gone)


def test_without_a_fresh_login_a_reason_or_a_case_it_is_refused(hub: Hub, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(hub, tmp_path / "state") as park:
            good, old = park.token(), int(park.clock().timestamp()) - 301
            for token, variables, problem in (
                (park.token(auth_time=None), {"reason": REASON, "case": "1"}, "StepUpNeeded"),
                (park.token(auth_time=old), {"reason": REASON, "case": "1"}, "StepUpNeeded"),
                (good, {"reason": "", "case": "1"}, "BreakGlassRefused"),
                (good, {"reason": REASON}, "BreakGlassRefused"),
                (good, {"reason": REASON, "incident": hub.ids["east"]}, "BreakGlassRefused"),
                (park.token("privacy_officer"), {"reason": REASON, "case": "1"}, "BreakGlassRefused"),
            ):  # fmt: skip
                told = (await park.ask(token, BREAK, key="k", **variables))["breakGlass"]
                assert (told["__typename"], bool(told["message"])) == (problem, True)
            assert {each["phone"] for each in (await park.ask(good, PEOPLE))["people"]["nodes"]} == {None}
            told = (await park.ask(good, BREAK, key="k", reason=REASON, case="1"))["breakGlass"]
            assert told["__typename"] == "BreakGlassSuccess"
            await park.ask(good, END, id=told["breakGlass"]["id"])

    run(main())


def test_a_stream_that_is_open_shows_it_and_is_masked_again_within_a_second(hub: Hub, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            opened(hub, tmp_path / "state") as park,
            park.watching(park.token(), ALERTS) as guards,
            park.watching(park.token(sub="another"), ALERTS) as anothers,
            park.watching(park.token("privacy_officer"), TOLD) as officers,
        ):
            token = park.token()
            assert await park.phones(guards) == [None]
            assert (await park.next(anothers))["alerts"]["alert"]["place"]["peopleOnDuty"]["nodes"]
            began = time.monotonic()
            glass = (await park.ask(token, BREAK, key="s1", reason=REASON, case="119-7"))["breakGlass"]["breakGlass"]
            told = (await park.next(officers))["breakGlasses"]
            assert time.monotonic() - began < 5
            assert (told["type"], told["breakGlass"]["id"], told["breakGlass"]["caseNumber"]) == (
                "OPENED",
                glass["id"],
                "119-7",
            )
            assert (told["breakGlass"]["subject"], told["breakGlass"]["reason"]) == ("guard", REASON)
            assert await park.phones(guards) == [PHONE]
            others = (await park.next(anothers))["alerts"]["alert"]["place"]["peopleOnDuty"]["nodes"]
            assert [each["person"]["phone"] for each in others] == [None]
            assert PHONE in {each["phone"] for each in (await park.ask(token, PEOPLE))["people"]["nodes"]}
            await park.ask(token, END, id=glass["id"])
            assert await park.phones(guards) == [None]
            assert {each["phone"] for each in (await park.ask(token, PEOPLE))["people"]["nodes"]} == {None}
            assert (await park.next(officers))["breakGlasses"]["breakGlass"]["endedBy"] == "guard"
            # by its time, with no word from anybody
            await park.ask(token, BREAK, key="s2", reason=REASON, case="119-8")
            assert await park.phones(guards) == [PHONE]
            park.clock.advance(timedelta(seconds=60))
            assert await park.phones(guards) == [None]
            assert {each["phone"] for each in (await park.ask(token, PEOPLE))["people"]["nodes"]} == {None}

    run(main())


def test_no_event_shows_it_a_second_after_its_end_though_events_go_on(hub: Hub, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(hub, tmp_path / "state") as park, park.watching(park.token(sub="chen"), ALERTS) as guards:
            token, over = park.token(sub="chen"), asyncio.Event()

            async def burning() -> None:
                number = 0
                while not over.is_set():
                    await hub.open_alert(f"on-and-on-{number}", at=now())
                    number += 1

            async def shown() -> Any:
                (duty,) = (await park.next(guards))["alerts"]["alert"]["place"]["peopleOnDuty"]["nodes"]
                return duty["person"]["phone"]

            glass = (await park.ask(token, BREAK, key="o1", reason=REASON, case="119-1"))["breakGlass"]["breakGlass"]
            events = asyncio.create_task(burning())
            try:
                assert await shown() == PHONE
                await park.ask(token, END, id=glass["id"])
                ended, masked = time.monotonic(), 0
                while masked < 3:
                    phone, after = await shown(), time.monotonic() - ended
                    assert phone is None or after < 1
                    masked += phone is None
            finally:
                over.set()
                await events

    run(main())


def test_an_event_that_the_graph_held_up_until_it_was_over_does_not_show_it(hub: Hub, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        slow = Slow(hub)
        async with (
            opened(hub, tmp_path / "state", slow) as park,
            park.watching(park.token(sub="gao"), ALERTS) as guards,
        ):
            token = park.token(sub="gao")
            glass = (await park.ask(token, BREAK, key="h1", reason=REASON, case="119-2"))["breakGlass"]["breakGlass"]
            slow.go.clear()
            told = asyncio.create_task(park.phones(guards))
            await slow.read_begun.wait()
            await park.glasses.end(replace(LOCAL_ADMINISTRATOR, subject="wang"), glass["id"])
            slow.go.set()
            assert await told == [None]

    run(main())


def test_what_was_seen_is_listed_for_who_reviews_it_and_for_nobody_else(hub: Hub, run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(hub, tmp_path / "state") as park:
            guard, officer = park.token(sub="zhou"), park.token("privacy_officer")
            glass = (await park.ask(guard, BREAK, key="r1", reason=REASON, case="119-9"))["breakGlass"]["breakGlass"]
            seen = (await park.ask(guard, "query Duty { people { nodes { id phone } } }"))["people"]["nodes"]
            assert {each["phone"] for each in seen} == {PHONE}
            await park.ask(guard, "query Places { places { nodes { id name } } }")
            await park.ask(guard, END, id=glass["id"])
            await park.ask(guard, "query After { people { nodes { id phone } } }")
            listed = "{ breakGlasses(first: 1) { id seen { operation fields { field ids } } } }"
            (told,) = (await park.ask(officer, listed))["breakGlasses"]
            assert told == {
                "id": glass["id"],
                "seen": [{"operation": "Duty", "fields": [{"field": "Person.phone", "ids": [hub.ids["glass-li"]]}]}],
            }
            review = """mutation ($id: ID!) { reviewBreakGlass(id: $id, finding: JUSTIFIED, note: "已核对") { __typename
                ... on ReviewBreakGlassSuccess { breakGlass { finding reviewedBy } } } }"""
            refused = (await park.ask(guard, review, id=glass["id"]))["reviewBreakGlass"]
            assert refused["__typename"] == "BreakGlassRefused"
            done = (await park.ask(officer, review, id=glass["id"]))["reviewBreakGlass"]
            assert done["breakGlass"] == {"finding": "JUSTIFIED", "reviewedBy": "privacy_officer"}
            mine = (await park.ask(guard, "{ breakGlasses { id subject } }"))["breakGlasses"]
            assert {each["subject"] for each in mine} == {"zhou"}
            assert (await park.ask(park.token(sub="nobody"), "{ breakGlasses { id } }"))["breakGlasses"] == []

    run(main())
