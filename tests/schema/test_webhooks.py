"""Webhooks to a real server that fails, hangs, redirects and comes back: signed, in order, none lost, drills none."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.access.rights import Everything
from hub.clock import now
from hub.journal.deliveries import Deliveries
from hub.journal.records import HUB, NewEvent
from hub.live.delivery import Sender, Target, key
from hub.live.window import Window
from hub.telemetry import Metrics
from hub.viewer import EVERYTHING, LOCAL_ADMINISTRATOR, Action, Grant, Mask, Viewer, Visibility
from hub.web.execution import Execution
from hub.web.limits import Limits
from hub.web.operation import Asker
from hub.web.releasing import Release
from hub.web.telling import Webhook
from hub.web.webhooks import Pauses, Webhooks
from schema.context import Context, Services
from schema.schema import schema
from tests.schema.conftest import Run
from tests.schema.hub import Hub
from tests.servers.receiver import SECRET, Receiver, receiving

NAME = "city"
BRIEF = Pauses(first=0.02, longest=0.05)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


class _Only(Everything):
    def __init__(self, mask: Mask) -> None:
        self._mask = mask

    def mask(self, viewer: Viewer, action: Action) -> Mask:
        return self._mask


@asynccontextmanager
async def hooked(
    hub: Hub, folder: Path, receiver: Receiver, rights: Everything | None = None, **given: Any
) -> AsyncIterator[tuple[Webhooks, Deliveries]]:
    may = rights or Everything()

    def executing(window: Window) -> Execution:
        services = Services(**{name: getattr(hub.services, name) for name in Services.__slots__} | {"feed": window})

        def context(asker: Asker, mask: Mask) -> Context:
            return Context(services=services, viewer=asker.viewer, mask=mask)

        return Execution(schema, context, Metrics(), may, Release(), limits=Limits(budget=0))

    seconds = given.pop("seconds", 5.0)
    target = Target(url=receiver.url, keys=(key(SECRET),), seconds=seconds)
    kinds = ("alerts", "incidents", "source_health", "warnings")
    webhook = replace(Webhook(name=NAME, target=target, viewer=LOCAL_ADMINISTRATOR, kinds=kinds), **given)
    deliveries = Deliveries.open(folder)
    webhooks = Webhooks([webhook], deliveries, hub.journal, executing, now, BRIEF)
    running = asyncio.create_task(webhooks.run())
    try:
        await until(lambda: deliveries.position(NAME) is not None)
        yield webhooks, deliveries
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        deliveries.close()


async def taken(receiver: Receiver, count: int) -> list[str]:
    await asyncio.to_thread(receiver.wait, lambda r: len(r.taken) >= count)
    return [one.type for one in receiver.taken]


async def lost(hub: Hub, reason: str) -> None:
    data = {"source": "survey", "reason": reason}
    version = await hub.journal.stream_version("source:survey")
    event = NewEvent(
        stream="source:survey", type="source.unavailable", version=1, data=data, actor=HUB, expected=version
    )
    await hub.append(events=[event])


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  it is a file that changes
            await asyncio.sleep(0.01)


def test_events_arrive_signed_in_the_logs_order_and_drills_do_not(
    hub: Hub, run: Run, tmp_path: Path, receiver: Receiver
) -> None:
    async def told() -> None:
        async with hooked(hub, tmp_path, receiver):
            opening = await hub.ask(OPEN, places=[hub.ids["east"]], key="w-drill", drill=True)
            drill = opening["openIncident"]["incident"]["id"]
            await hub.ask(CLOSE, id=drill, key="w-drill-over")
            await lost(hub, "one")
            await hub.open_alert("w1")
            opening = await hub.ask(OPEN, places=[hub.ids["east"]], key="w-real", drill=False)
            assert await taken(receiver, 3) == ["source.unavailable", "alert.opened", "incident.opened"]
            alert, incident = (one.told["data"] for one in receiver.taken[1:])
            assert (alert["alert"]["severity"], alert["alert"]["subject"]["name"]) == ("SEVERE", "Boiler")
            assert incident["incident"]["id"] == opening["openIncident"]["incident"]["id"]
            assert [place["name"] for place in incident["incident"]["places"]["nodes"]] == ["East"]
            assert all(drill.encode() not in one.body for one in receiver.all)

    run(told())
    assert all(one.is_signed() for one in receiver.all)
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    assert not receiver.all[0].is_signed(other)


def test_a_receiver_that_fails_hangs_redirects_and_comes_back_gets_each_event_once_taken(
    hub: Hub, run: Run, tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answers = [500, "hang", "/elsewhere", 429, "flood", 503]

    async def told() -> None:
        async with hooked(hub, tmp_path, receiver, seconds=0.3) as (_, deliveries):
            for which in ("a", "b"):
                await lost(hub, which)
            await taken(receiver, 2)
            outcomes = [attempt.outcome for _, attempt in deliveries.attempts(NAME, 50)]
            assert outcomes.count("failed") == 5  # what the flood began with 200 was taken
            assert not deliveries.letters()

    run(told())
    assert {one.path for one in receiver.all} == {"/hook"}
    ids = [one.id for one in receiver.all]
    assert len(set(ids)) == 2
    assert ids == sorted(ids, key=ids.index), "one came before the other was settled"


def test_what_happened_while_neither_ran_is_told_after_a_restart_once_each(
    hub: Hub, run: Run, tmp_path: Path, receiver: Receiver
) -> None:
    async def told() -> None:
        async with hooked(hub, tmp_path, receiver):
            await lost(hub, "before")
            await taken(receiver, 1)
            receiver.always = 500
            await lost(hub, "while it fails")
            await asyncio.to_thread(receiver.wait, lambda r: len(r.all) >= 3)
        await lost(hub, "while the hub is away")
        receiver.always = 204
        async with hooked(hub, tmp_path, receiver):
            await taken(receiver, 3)

    run(told())
    reasons = [one.told["data"]["reason"] for one in receiver.taken]
    assert reasons == ["before", "while it fails", "while the hub is away"]


def test_an_event_that_is_not_taken_in_time_becomes_a_dead_letter_and_holds_nobody_up(
    hub: Hub, run: Run, tmp_path: Path, receiver: Receiver
) -> None:
    receiver.always = 500

    async def told() -> None:
        async with hooked(hub, tmp_path, receiver, retry_seconds=0.1) as (webhooks, deliveries):
            await lost(hub, "never taken")
            await until(lambda: bool(deliveries.letters(NAME)))
            receiver.always = 204
            await lost(hub, "taken")
            assert await taken(receiver, 1) == ["source.unavailable"]
            (letter,) = deliveries.letters(NAME)
            assert "500" in letter.reason
            (again,) = await webhooks.retry(NAME)
            assert again == (letter, "delivered")
            assert not deliveries.letters(NAME)

    run(told())
    assert [one.told["data"]["reason"] for one in receiver.taken] == ["taken", "never taken"]


def test_a_role_is_told_what_its_mask_shows_of_what_it_asked_for(
    hub: Hub, run: Run, tmp_path: Path, receiver: Receiver
) -> None:
    fields = {"Incident.opened_by": Visibility.HIDE, "Alert.value": Visibility.HIDE}
    mask = (Grant(scope=EVERYTHING, types=frozenset({"Incident", "Alert", "Place", "Asset"}), fields=fields),)

    async def told() -> None:
        async with hooked(hub, tmp_path, receiver, _Only(mask)):
            await lost(hub, "not shown to it")
            await hub.open_alert("w2")
            await hub.ask(OPEN, places=[hub.ids["east"]], key="w-masked", drill=False)
            assert await taken(receiver, 2) == ["alert.opened", "incident.opened"]
            alert, incident = (one.told["data"] for one in receiver.taken)
            assert (alert["alert"]["value"], alert["alert"]["limit"]) == (None, 80.0)
            assert incident["incident"]["openedBy"] is None

    run(told())


def test_severity_narrows_alerts(hub: Hub, run: Run, tmp_path: Path, receiver: Receiver) -> None:
    async def told() -> None:
        async with hooked(hub, tmp_path, receiver, severities=("EXTREME",)):
            await hub.open_alert("w3")  # a severe one
            await lost(hub, "has no severity")
            assert await taken(receiver, 1) == ["source.unavailable"]

    run(told())


@pytest.mark.parametrize(
    ("url", "internal", "why"),
    [
        ("http://example.org/x", False, "https is needed"),
        ("ftp://example.org/x", False, "no address"),
        ("https://user:word@example.org/", False, "user and password"),
        ("https://10.1.2.3/x", False, "internal = true"),
        ("https://169.254.169.254/latest", True, "no receiver can be"),
        ("https://[::ffff:10.1.2.3]/x", False, "internal = true"),
        ("https://0.0.0.0/x", True, "no receiver can be"),
        ("https://[fe80::1]/x", True, "no receiver can be"),
    ],
)
def test_nothing_is_sent_where_no_receiver_may_be(url: str, internal: bool, why: str, run: Run) -> None:
    async def sent() -> str:
        async with Sender() as sender:
            target = Target(url=url, keys=(key(SECRET),), internal=internal, seconds=2)
            outcome = await sender.send(target, "msg_1", b"{}", now())
            assert not outcome.delivered
            assert outcome.status is None
            return outcome.reason

    assert why in run(sent())


@pytest.mark.parametrize("secret", ["plain", "whsec_", "whsec_c2hvcnQ=", "whsec_***"])
def test_a_secret_that_is_none_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        key(secret)
    assert secret.removeprefix("whsec_") not in str(refused.value) or secret == "whsec_"


OPEN = """mutation ($places: [ID!]!, $key: String!, $drill: Boolean!) {
  openIncident(places: $places, kind: FIRE, drill: $drill, idempotencyKey: $key) {
    ... on OpenIncidentSuccess { incident { id } } } }"""
CLOSE = """mutation ($id: ID!, $key: String!) { closeIncident(id: $id, idempotencyKey: $key) { __typename } }"""
