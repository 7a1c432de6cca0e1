"""An incident from the one who opens it to the ones who watch, with the graph up and down."""

from types import MappingProxyType
from typing import Any

from hub.viewer import Grant, Scope
from tests.schema.conftest import Run
from tests.schema.hub import Hub
from tests.schema.test_alerts import AWAY, watch

FIELDS = "number kind state drill openedAt openedBy closedAt closedBy provenance { source observedAt }"
OPEN = f"""mutation ($places: [ID!]!, $key: String!, $drill: Boolean! = false) {{
  openIncident(places: $places, kind: FIRE, drill: $drill, note: "三楼冒烟", idempotencyKey: $key) {{
    __typename ... on OpenIncidentSuccess {{ projected incident {{ id {FIELDS} }} }}
    ... on Problem {{ code message }} }} }}"""
CLOSE = """mutation ($id: ID!, $key: String!) { closeIncident(id: $id, idempotencyKey: $key) {
    __typename ... on CloseIncidentSuccess { projected incident { state closedBy } }
    ... on Problem { code message } } }"""
WATCH = f"""subscription ($after: FeedCursor) {{ incidents(after: $after) {{ type at incident {{ id {FIELDS}
    places(orderBy: NAME) {{ nodes {{ name }} }} }} }} }}"""


def opened(hub: Hub, run: Run, key: str, *places: str, drill: bool = False) -> dict[str, Any]:
    ids = [hub.ids[place] for place in places]
    done = run(hub.ask(OPEN, places=ids, key=key, drill=drill))["openIncident"]
    assert (done["__typename"], done["projected"]) == ("OpenIncidentSuccess", True)
    found: dict[str, Any] = done["incident"]
    return found


def test_it_reads_alike_from_its_answer_from_the_graph_and_from_its_event(hub: Hub, run: Run) -> None:
    start = run(hub.ask("{ incidents { readAt } }"))["incidents"]["readAt"]
    told = opened(hub, run, "i1", "east", "west")
    document = (
        f"query ($id: ID!) {{ incident(id: $id) {{ id {FIELDS} places(orderBy: NAME) {{ nodes {{ name }} }} }} }}"
    )
    listed = run(hub.ask(document, id=told["id"]))["incident"]
    assert [place["name"] for place in listed["places"]["nodes"]] == ["East", "West"]
    assert {name: value for name, value in listed.items() if name != "places"} == told
    (event,) = run(watch(hub, WATCH, 1, after=start))
    assert not event.errors
    assert event.data["incidents"]["type"] == "OPENED"
    assert event.data["incidents"]["incident"] == listed
    assert run(hub.ask("query ($id: ID!) { node(id: $id) { __typename id } }", id=told["id"]))["node"] == {
        "__typename": "Incident",
        "id": told["id"],
    }


def test_lists_are_filtered_and_close_ends_it(hub: Hub, run: Run) -> None:
    real, drill = opened(hub, run, "i2", "east"), opened(hub, run, "i3", "east", drill=True)
    document = """query ($place: ID!, $drill: Boolean!) { incidents(
        filter: {state: [OPEN], drill: $drill, within: $place, kind: [FIRE]}, first: 1) {
        nodes { id } totalCount } }"""
    for drills, newest in ((False, real), (True, drill)):
        found = run(hub.ask(document, place=hub.ids["east"], drill=drills))["incidents"]
        assert found["nodes"] == [{"id": newest["id"]}]
    done = run(hub.ask(CLOSE, id=drill["id"], key="c3"))["closeIncident"]
    assert done == {
        "__typename": "CloseIncidentSuccess",
        "projected": True,
        "incident": {"state": "CLOSED", "closedBy": "local-administrator"},
    }
    assert run(hub.ask(document, place=hub.ids["east"], drill=True))["incidents"]["totalCount"] == 0
    again = run(hub.ask(CLOSE, id=drill["id"], key="other"))["closeIncident"]
    assert (again["__typename"], again["code"]) == ("IncidentAlreadyClosed", "CONFLICT")
    assert drill["number"] in again["message"]


def test_opening_and_closing_work_while_the_graph_is_down(hub: Hub, run: Run) -> None:
    found = run(hub.execute(OPEN, services=AWAY, places=[hub.ids["west"]], key="i4"))
    assert not found.errors
    told = found.data["openIncident"]
    assert (told["projected"], told["incident"]["state"]) == (False, "OPEN")
    closed = run(hub.execute(CLOSE, services=AWAY, id=told["incident"]["id"], key="c4"))
    assert not closed.errors
    assert closed.data["closeIncident"]["incident"]["state"] == "CLOSED"


def test_what_is_no_place_or_not_the_viewers_opens_nothing(hub: Hub, run: Run) -> None:
    engine = hub.services.reserve.places
    run(engine.take_up())  # type: ignore[attr-defined]
    run(engine.catch_up())  # type: ignore[attr-defined]
    scope = Scope(name="within_places", parameters=MappingProxyType({"places": (hub.ids["east"],)}))
    only_east = (Grant(scope=scope),)
    for places, mask in ((["nothing"], None), ([hub.ids["boiler"]], None), ([hub.ids["west"]], only_east)):
        extra = {} if mask is None else {"mask": mask}
        done = run(hub.ask(OPEN, places=places, key="i5", **extra))["openIncident"]
        assert (done["__typename"], done["code"]) == ("PlaceNotFound", "NOT_FOUND")
    wests = opened(hub, run, "i6", "west")
    parks = opened(hub, run, "i7", "park")
    done = run(hub.ask(CLOSE, id=wests["id"], key="c6", mask=only_east))["closeIncident"]
    assert (done["__typename"], done["code"]) == ("IncidentNotFound", "NOT_FOUND")
    seen = run(hub.ask("{ incidents { nodes { id } } }", mask=only_east))["incidents"]["nodes"]
    assert {"id": parks["id"]} in seen and {"id": wests["id"]} not in seen
    start = run(hub.ask("{ incidents { readAt } }"))["incidents"]["readAt"]
    opened(hub, run, "i8", "west")
    eastern = opened(hub, run, "i9", "east")
    (event,) = run(watch(hub, "subscription ($after: FeedCursor) { incidents(after: $after) { incident { id } } }",
                         1, after=start, mask=only_east))  # fmt: skip
    assert event.data["incidents"]["incident"]["id"] == eastern["id"]
