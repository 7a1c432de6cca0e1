"""Alerts as a client meets them: in lists, live, acknowledged, and with the graph away."""

import asyncio
from contextlib import aclosing, nullcontext, suppress
from datetime import timedelta
from typing import Any

from graphql import parse
from graphql.execution import subscribe

from hub.errors import CausewayError, Code, GraphUnavailable
from hub.viewer import SHOW_ALL, Grant, Mask
from schema.schema import schema
from tests.schema.conftest import Run
from tests.schema.hub import START, Hub
from tests.schema.test_query import code, within

FIELDS = """id rule severity state code openedAt acknowledgedAt acknowledgedBy quantity value limit unit
            subject { id kind name } placePath { id kind name }"""


class NoGraph:
    async def read(self, *_: object) -> Any:
        raise GraphUnavailable("the graph does not answer")


class Behind:
    position = 0

    async def wait_for(self, seq: int, seconds: float) -> bool:
        return False


AWAY = {"store": NoGraph(), "projection": Behind()}


async def watch(
    hub: Hub, document: str, count: int, *, mask: Mask = SHOW_ALL, patience: float | None = None, **variables: Any
) -> list[Any]:
    """The first events of a subscription; with `patience` in seconds, those of them that come by then."""
    services = variables.pop("services", {})
    source = subscribe(
        schema._schema,
        parse(document),
        context_value=hub.context(mask, **services),
        variable_values=variables,
    )
    found: Any = await source if asyncio.iscoroutine(source) else source
    events = []
    with suppress(TimeoutError) if patience else nullcontext():
        async with asyncio.timeout(patience or 20), aclosing(found) as stream:
            async for event in stream:
                events.append(event)
                if len(events) == count:
                    break
    return events


def test_the_same_alert_reads_alike_from_the_graph_and_from_its_event(hub: Hub, run: Run) -> None:
    before = run(hub.ask("{ alerts { readAt } }"))["alerts"]["readAt"]
    id_ = run(hub.open_alert("1"))
    listed = run(hub.ask(f"query ($id: ID!) {{ alert(id: $id) {{ {FIELDS} }} }}", id=id_))["alert"]
    document = f"subscription ($after: FeedCursor) {{ alerts(after: $after) {{ cursor type alert {{ {FIELDS} }} }} }}"
    (event,) = run(watch(hub, document, 1, after=before))
    assert not event.errors
    assert event.data["alerts"]["type"] == "OPENED"
    assert event.data["alerts"]["alert"] == listed
    assert listed["subject"] == {"id": hub.ids["boiler"], "kind": "SENSOR", "name": "Boiler"}
    assert [place["name"] for place in listed["placePath"]] == ["East", "Park"]
    assert (listed["value"], listed["unit"], listed["openedAt"]) == (81.5, "Cel", "2026-03-01T08:00:00.000000Z")


def test_a_subscription_from_a_lists_position_misses_nothing(hub: Hub, run: Run) -> None:
    run(hub.open_alert("2"))
    page = run(hub.ask("{ alerts(filter: {state: [UNACKNOWLEDGED]}) { readAt nodes { id } } }"))["alerts"]
    later = [run(hub.open_alert(number, sensor="door")) for number in ("3", "4")]
    document = "subscription ($after: FeedCursor) { alerts(after: $after) { cursor alert { id } } }"
    events = run(watch(hub, document, 2, after=page["readAt"]))
    assert [event.data["alerts"]["alert"]["id"] for event in events] == later
    resumed = run(watch(hub, document, 1, after=events[0].data["alerts"]["cursor"]))
    assert resumed[0].data["alerts"]["alert"]["id"] == later[1]


def test_a_viewer_is_told_of_its_own_places_alone(hub: Hub, run: Run) -> None:
    start = run(hub.ask("{ alerts { readAt } }"))["alerts"]["readAt"]
    run(hub.open_alert("5"))
    mine = run(hub.open_alert("6", sensor="door"))
    mask = (Grant(scope=within(hub, "west")),)
    document = """subscription ($after: FeedCursor) { alerts(after: $after) {
                    alert { id placePath { name } subject { name } } } }"""
    (event,) = run(watch(hub, document, 1, mask=mask, after=start))
    assert event.data["alerts"]["alert"] == {"id": mine, "placePath": [{"name": "West"}], "subject": {"name": "Door"}}
    listed = run(hub.ask("{ alerts { nodes { id placePath { name } } } }", mask=mask))["alerts"]["nodes"]
    assert {"id": mine, "placePath": [{"name": "West"}]} in listed
    assert all(row["placePath"] == [{"name": "West"}] for row in listed)


def test_alerts_are_found_below_a_place_and_about_an_asset_the_newest_first(hub: Hub, run: Run) -> None:
    newest = run(hub.open_alert("7", sensor="cabinet", at=START + timedelta(days=1)))
    found = run(
        hub.ask(
            """query ($park: ID!, $asset: ID!) {
                 place(id: $park) { alerts(first: 1) {
                   totalCount nodes { id asset { name place { name } } place { name } } } }
                 asset(id: $asset) { alerts { totalCount } } }""",
            park=hub.ids["park"],
            asset=hub.ids["cabinet"],
        )
    )
    assert found["place"]["alerts"]["nodes"] == [
        {"id": newest, "asset": {"name": "Cabinet", "place": {"name": "East"}}, "place": {"name": "East"}}
    ]
    assert found["place"]["alerts"]["totalCount"] >= 1
    assert found["asset"]["alerts"]["totalCount"] == 1


def test_an_event_tells_its_snapshot_without_the_graph_and_says_what_lies_behind(hub: Hub, run: Run) -> None:
    start = run(hub.ask("{ alerts { readAt } }"))["alerts"]["readAt"]
    run(hub.open_alert("8"))
    document = """subscription ($after: FeedCursor) { alerts(after: $after) {
                    alert { severity subject { name } asset { serialNumber place { name } } } } }"""
    (event,) = run(watch(hub, document, 1, after=start))
    assert not event.errors
    assert event.data["alerts"]["alert"]["asset"] == {"serialNumber": "SN-boiler", "place": {"name": "East"}}
    (event,) = run(watch(hub, document, 1, after=start, services=AWAY))
    assert code(event) is Code.GRAPH_BEHIND
    assert event.data["alerts"]["alert"] == {"severity": "SEVERE", "subject": {"name": "Boiler"}, "asset": None}


ACKNOWLEDGE = """mutation ($id: ID!, $key: String!) { acknowledgeAlert(id: $id, idempotencyKey: $key, note: "going") {
    __typename ... on AcknowledgeAlertSuccess { projected alert { id state acknowledgedBy } }
    ... on Problem { code message } } }"""


def test_an_acknowledgement_is_shown_once_its_answer_says_so(hub: Hub, run: Run) -> None:
    id_ = run(hub.open_alert("9"))
    done = run(hub.ask(ACKNOWLEDGE, id=id_, key="k9"))["acknowledgeAlert"]
    assert done == {
        "__typename": "AcknowledgeAlertSuccess",
        "projected": True,
        "alert": {"id": id_, "state": "ACKNOWLEDGED", "acknowledgedBy": "local-administrator"},
    }
    shown = run(hub.ask("query ($id: ID!) { alert(id: $id) { state } }", id=id_))["alert"]
    assert shown == {"state": "ACKNOWLEDGED"}
    assert run(hub.ask(ACKNOWLEDGE, id=id_, key="k9"))["acknowledgeAlert"] == done
    again = run(hub.ask(ACKNOWLEDGE, id=id_, key="another"))["acknowledgeAlert"]
    assert (again["__typename"], again["code"]) == ("AlertAlreadyAcknowledged", "CONFLICT")
    missing = run(hub.ask(ACKNOWLEDGE, id="nothing", key="k"))["acknowledgeAlert"]
    assert (missing["__typename"], missing["code"]) == ("AlertNotFound", "NOT_FOUND")


def test_acknowledging_works_while_the_graph_is_away_and_queries_say_that_it_is(hub: Hub, run: Run) -> None:
    id_ = run(hub.open_alert("10"))
    result = run(hub.execute(ACKNOWLEDGE, services=AWAY, id=id_, key="k10"))
    assert not result.errors
    assert result.data["acknowledgeAlert"]["projected"] is False
    assert result.data["acknowledgeAlert"]["alert"]["state"] == "ACKNOWLEDGED"
    for document in ("{ alerts { nodes { id } } }", "{ places { totalCount } }"):
        result = run(hub.execute(document, services=AWAY))
        assert result.data is None
        assert code(result) is Code.GRAPH_UNAVAILABLE


def test_a_cursor_that_is_not_of_this_log_is_refused(hub: Hub, run: Run) -> None:
    document = "subscription ($after: FeedCursor) { alerts(after: $after) { cursor } }"

    async def refused() -> Any:
        source = subscribe(
            schema._schema, parse(document), context_value=hub.context(), variable_values={"after": "bm90OjE"}
        )
        result = await source if asyncio.iscoroutine(source) else source
        try:
            await anext(result)
        except CausewayError as error:
            return error.code
        return None

    assert run(refused()) is Code.CURSOR_GONE


def acknowledge(hub: Hub, run: Run, id_: str, place: str, **services: Any) -> Any:
    """As a viewer whose one grant holds `place`."""
    mask = (Grant(scope=within(hub, place)),)
    return run(hub.execute(ACKNOWLEDGE, mask=mask, services=services, id=id_, key=f"{id_}-{place}"))


def test_what_a_viewer_may_not_see_it_cannot_acknowledge(hub: Hub, run: Run) -> None:
    id_ = run(hub.open_alert("11"))
    for services in ({}, AWAY, {"projection": Behind()}):
        head = hub.journal.head
        result = acknowledge(hub, run, id_, "west", **services)
        assert not result.errors
        missing = run(hub.ask(ACKNOWLEDGE, id=f"{id_[:-1]}{'1' if id_[-1] == '0' else '0'}", key="m"))
        told = result.data["acknowledgeAlert"]
        assert told["__typename"] == "AlertNotFound" == missing["acknowledgeAlert"]["__typename"]
        assert hub.journal.head == head, "nothing was written"
    assert run(hub.ask("query ($id: ID!) { alert(id: $id) { state } }", id=id_))["alert"]["state"] == "UNACKNOWLEDGED"
    result = acknowledge(hub, run, id_, "east")
    assert result.data["acknowledgeAlert"]["alert"]["state"] == "ACKNOWLEDGED"


def test_a_viewer_acknowledges_within_its_places_while_the_graph_is_away(hub: Hub, run: Run) -> None:
    id_ = run(hub.open_alert("12", sensor="door"))
    result = acknowledge(hub, run, id_, "west", **AWAY)
    assert not result.errors
    assert result.data["acknowledgeAlert"]["__typename"] == "AcknowledgeAlertSuccess"
    id_ = run(hub.open_alert("13", sensor="door"))
    result = acknowledge(hub, run, id_, "park", **AWAY)
    assert result.data["acknowledgeAlert"]["alert"]["id"] == id_
