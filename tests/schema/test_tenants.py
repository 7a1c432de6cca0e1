"""Two tenants of one park: with A's mask B's lots are nowhere, and a fire beside A reaches A without B's name."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from adapters.contract import Claim, Link
from graph_models.entities import Severity
from hub.clock import now
from hub.errors import Code
from hub.graph.store import GraphConfig
from hub.journal.cursors import FeedCursor
from hub.journal.records import HUB
from hub.viewer import Action, Grant, Mask, Scope, Viewer, Visibility
from hub.warning import alerts
from schema.sight import Sight
from tests.schema.conftest import Run
from tests.schema.hub import START, Hub
from tests.schema.test_alerts import ACKNOWLEDGE, watch
from tests.schema.test_masks import park
from tests.schema.test_query import code

pytestmark = pytest.mark.long

SECRET = "Bolt"
"""What B's name, its lots' and its devices' have in common."""


async def two(hub: Hub) -> None:
    """B sits in the west, beside A in the east; B's boiler burns."""
    named = lambda type_, id_, links=(), **values: Claim(  # noqa: E731
        kind=type_, external_id=id_, values=values, links=tuple(Link(relation=r, target=t) for r, t in links)
    )
    lot = {"item_code": "1010101", "unit": "{piece}", "quantity": 7.0}
    await hub.append(
        source="plan",
        claims=[
            named("Place", "ground", kind="PARK", name="Ground"),
            named("Place", "A's", [("PART_OF", "ground"), ("ADJACENT_TO", "B's")], kind="BUILDING", name="Acme hall"),
            named("Place", "B's", [("PART_OF", "ground")], kind="BUILDING", name="Bolt hall"),
            named("Organization", "A", [("OCCUPIES", "A's")], name="Acme"),
            named("Organization", "B", [("OCCUPIES", "B's")], name="Bolt"),
            named("SupplyLot", "of A", [("OWNED_BY", "A"), ("STORED_IN", "A's")], name="Acme rope", **lot),
            *(
                named(
                    "SupplyLot",
                    f"of B {terms}",
                    [("OWNED_BY", "B"), ("STORED_IN", "A's" if terms == "there" else "B's")],
                    name=f"Bolt {terms}",
                    sharing=None if terms == "there" else terms,
                    **lot,
                )
                for terms in ("ASK", "AGREED", "NOT_SHARED", "there")
            ),
            named("Asset", "boiler", [("OWNED_BY", "B"), ("LOCATED_IN", "B's")], kind="SENSOR", name="Bolt boiler"),
        ],
    )


def of_a(hub: Hub) -> Mask:
    """What is A's own; and what is a notice of an alert at a place that threatens A, without a name."""
    own = Scope(name="own_organization", parameters={"organizations": (hub.ids["A"],)})
    near = Scope(name="within_places", parameters={"places": (hub.ids["A's"], hub.ids["B's"])})
    hidden = {"Place.name": Visibility.HIDE, "Alert.acknowledged_by": Visibility.HIDE}
    return (Grant(scope=own), Grant(scope=near, types=frozenset({"Alert", "Place"}), fields=hidden))


LOTS = "subscription ($after: FeedCursor) { lots(after: $after) { lot name } }"
ALERTS = """subscription ($after: FeedCursor) { alerts(after: $after) { alert {
  id severity acknowledgedBy subject { id name } placePath { id name } asset { name } place { id name } } } }"""


@pytest.fixture(scope="module")
def tenants(own_graph: GraphConfig, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Any:
    opened = park(tmp_path_factory.mktemp("tenants"), own_graph, 1)
    hub, _ = run(opened.__aenter__())
    run(two(hub))
    reserve: Any = hub.services.reserve
    assert run(reserve.reached(hub.journal.head, 60))
    yield hub
    run(opened.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def run(runner: asyncio.Runner) -> Run:
    return runner.run


def test_bs_lots_are_nowhere_on_seven_paths(tenants: Hub, run: Run) -> None:
    hub, mask = tenants, of_a(tenants)
    mine, theirs = hub.ids["of A"], [id_ for name, id_ in hub.ids.items() if name.startswith("of B")]
    assert len(theirs) == 4
    asked = lambda document, **more: run(hub.ask(document, mask=mask, **more))  # noqa: E731
    names = "query ($p: ID!) { supplyLots { totalCount nodes { name } } place(id: $p) { lots { nodes { name } } } }"
    listed = asked(names, p=hub.ids["A's"])
    assert listed["supplyLots"] == {"totalCount": 1, "nodes": [{"name": "Acme rope"}]}
    assert listed["place"]["lots"]["nodes"] == [{"name": "Acme rope"}]
    for id_ in theirs:
        nodes = """query ($id: ID!, $r: [_Any!]!) { node(id: $id) { id } supplyLot(id: $id, includeRetired: true) { id }
          _entities(representations: $r) { __typename } }"""
        found = asked(nodes, id=id_, r=[{"__typename": "SupplyLot", "id": id_}])
        assert found == {"node": None, "supplyLot": None, "_entities": [None]}
        facts = 'query ($id: ID!) { supplyLot(id: $id) { facts(fields: ["name", "quantity"]) { value } } }'
        assert asked(facts, id=id_) == {"supplyLot": None}
    assert len(asked(facts, id=mine)["supplyLot"]["facts"]) == 2
    counted = asked("query { lotCounts(by: [ITEM_CODE]) { total other groups { count } } }")["lotCounts"]
    assert counted == {"total": 1, "other": 1, "groups": []}
    for order in ("NAME", "NAME_DESC", "EXPIRES_AT", "ID"):
        found = asked(f"query {{ supplyLots(orderBy: {order}) {{ nodes {{ id }} }} }}")["supplyLots"]["nodes"]
        assert found == [{"id": mine}]
    filters = """query ($b: ID!, $ids: [ID!]) { held: supplyLots(filter: {holder: [$b]}) { totalCount }
      named: supplyLots(filter: {search: "bolt"}) { totalCount } ids: supplyLots(filter: {ids: $ids}) { totalCount }
      terms: supplyLots(filter: {terms: [ASK, AGREED, NOT_SHARED], within: $b}) { totalCount } }"""
    found = asked(filters, b=hub.ids["B"], ids=theirs)
    assert [each["totalCount"] for each in found.values()] == [0, 0, 0, 0]
    after = FeedCursor(epoch=hub.journal.epoch, seq=0).encode()
    told = run(watch(hub, LOTS, 9, mask=mask, after=after, patience=1.0))
    assert [event.data["lots"] for event in told] == [{"lot": mine, "name": "Acme rope"}]
    everything = run(watch(hub, LOTS, 12, after=after, patience=1.0))
    assert {hub.ids["of B ASK"], mine} < {event.data["lots"]["lot"] for event in everything}


async def fire(hub: Hub, number: str) -> str:
    id_ = alerts.alert_id(hub.journal.epoch, "hot", hub.ids["boiler"], number)
    place = lambda name, kind, called: alerts.Named(id=hub.ids[name], kind=kind, name=called)  # noqa: E731
    opened = alerts.opened(
        id=id_,
        rule="hot",
        severity=Severity.SEVERE,
        code="limit.above",
        at=START,
        measured=None,
        subject=place("boiler", "SENSOR", "Bolt boiler"),
        path=[place("B's", "BUILDING", "Bolt hall"), place("ground", "PARK", "Ground")],
    )
    await hub.append(source=HUB, received_at=now(), events=[hub.event(opened)])
    return id_


def test_a_fire_beside_a_reaches_a_without_bs_name(tenants: Hub, run: Run) -> None:
    hub, mask = tenants, of_a(tenants)
    after = FeedCursor(epoch=hub.journal.epoch, seq=hub.journal.head).encode()
    id_ = run(fire(hub, "1"))
    (event,) = run(watch(hub, ALERTS, 1, mask=mask, after=after))
    assert not event.errors
    told = event.data["alerts"]["alert"]
    assert (told["id"], told["severity"], told["subject"], told["asset"]) == (id_, "SEVERE", None, None)
    assert told["placePath"] == [{"id": hub.ids["B's"], "name": None}]
    assert SECRET not in str(event.data)
    fields = "id severity acknowledgedBy subject { id name } placePath { id name } asset { name } place { id name }"
    read = run(hub.ask(f"query ($id: ID!) {{ alert(id: $id) {{ {fields} }} }}", mask=mask, id=id_))["alert"]
    assert read == told


def test_a_acts_on_no_alert_of_bs_and_cannot_tell_that_it_is_there(tenants: Hub, run: Run) -> None:
    hub = tenants
    id_ = run(fire(hub, "2"))
    own = (of_a(hub)[0],)
    viewer = Viewer(subject="a", organization=hub.ids["A"])

    async def acknowledge(which: str, mask: Mask, writing: Mask) -> Any:
        from schema.context import Context
        from schema.schema import schema

        context = Context(services=hub.services, viewer=viewer, mask=mask, others={Action.WRITE: writing})
        variables = {"id": which, "key": f"{which}{len(mask)}"}
        return await schema.execute(ACKNOWLEDGE, variable_values=variables, context_value=context)

    for reading in (own, of_a(hub)):  # not shown; shown, but not to be acted upon
        refused = run(acknowledge(id_, reading, own)).data["acknowledgeAlert"]
        missing = run(acknowledge("nothing", reading, own)).data["acknowledgeAlert"]
        assert refused["__typename"] == missing["__typename"] == "AlertNotFound"
        assert refused["message"].replace(id_, "nothing") == missing["message"]
    assert run(acknowledge(id_, of_a(hub), of_a(hub))).data["acknowledgeAlert"]["__typename"].endswith("Success")


def test_with_an_empty_mask_there_is_nothing(tenants: Hub, run: Run) -> None:
    hub, place = tenants, tenants.ids["A's"]
    found = run(
        hub.ask(
            """query ($id: ID!) { places { totalCount } supplyItems { totalCount } node(id: $id) { id } sources { id }
             matches { id } assetCounts(by: [KIND]) { total } }""",
            mask=(),
            id=place,
        )
    )
    assert found == {
        "places": {"totalCount": 0},
        "supplyItems": {"totalCount": 0},
        "node": None,
        "sources": [],
        "matches": [],
        "assetCounts": {"total": 0},
    }
    for document in (
        'query ($id: ID!) { nearestSupplies(place: $id, item: "1010101", quantity: 1) { found } }',
        'query ($id: ID!) { nearestPeople(place: $id, skill: "first_aid") { wanted } }',
        "query ($id: ID!) { nearestCameras(place: $id) { name } }",
    ):
        assert code(run(hub.execute(document, mask=(), id=place))) is Code.NOT_FOUND
    assert code(run(hub.execute('query { rejectedRows(source: "plan") { id } }', mask=()))) is Code.NOT_FOUND
    assert code(run(hub.execute("query { unmappedSupplies { text } }", mask=()))) is Code.FORBIDDEN
    after = FeedCursor(epoch=hub.journal.epoch, seq=0).encode()
    for field in ("alerts", "lots", "warnings", "sourceHealth", "incidents"):
        document = f"subscription ($after: FeedCursor) {{ {field}(after: $after) {{ cursor }} }}"
        assert run(watch(hub, document, 1, mask=(), after=after, patience=0.3)) == []


def test_what_was_merged_away_still_names_the_same_rows(tenants: Hub, run: Run) -> None:
    """A mask may speak of an organization by an id from before a merge."""
    hub = tenants
    other = Claim(kind="Organization", external_id="A, again", values={"name": "Acme"})
    run(hub.append(source="registry", claims=[other]))
    merge = """mutation ($one: ID!, $other: ID!) { mergeEntities(one: $one, other: $other, idempotencyKey: "merge") {
      __typename } }"""
    one, old = hub.ids["A"], hub.ids["A, again"]
    assert run(hub.ask(merge, one=one, other=old))["mergeEntities"]["__typename"] == "MergeEntitiesSuccess"
    reserve: Any = hub.services.reserve
    assert run(reserve.reached(hub.journal.head, 60))
    assert run(hub.services.projection.wait_for(hub.journal.head, 60))
    for name in (one, old):
        mask = (Grant(scope=Scope(name="own_organization", parameters={"organizations": (name,)})),)
        lots = run(hub.ask("query { supplyLots { nodes { name } } }", mask=mask))["supplyLots"]["nodes"]
        assert lots == [{"name": "Acme rope"}]
        after = FeedCursor(epoch=hub.journal.epoch, seq=0).encode()
        told = run(watch(hub, LOTS, 9, mask=mask, after=after, patience=1.0))
        assert [event.data["lots"]["name"] for event in told] == ["Acme rope"]


def test_who_is_on_duty_is_the_same_in_the_graph_and_in_memory(tenants: Hub, run: Run) -> None:
    """What lists show of the people of a mask, streams show, and no more; an id from before a merge counts."""
    hub = tenants
    names = ("wang", "zhao", "li", "li again")
    claims = [Claim(kind="Person", external_id=name, values={"name": name}) for name in names]
    day = {"starts_at": START.isoformat(), "ends_at": (START + timedelta(hours=8)).isoformat()}
    for name in names:
        by = {"Shift": ("SERVED_BY", day), "Qualification": ("HELD_BY", {"skill": "first_aid"})}
        for kind, (relation, values) in by.items():
            links = (Link(relation=relation, target=name),)
            claims.append(Claim(kind=kind, external_id=f"{kind} of {name}", values=values, links=links))
    run(hub.append(source="roster", claims=claims))
    merge = """mutation ($one: ID!, $other: ID!) { mergeEntities(one: $one, other: $other, idempotencyKey: "same") {
      __typename } }"""
    merged = run(hub.ask(merge, one=hub.ids["li"], other=hub.ids["li again"]))
    assert merged["mergeEntities"]["__typename"] == "MergeEntitiesSuccess"
    reserve: Any = hub.services.reserve
    assert run(reserve.reached(hub.journal.head, 60))
    assert run(hub.services.projection.wait_for(hub.journal.head, 60))
    stock = reserve.stock
    people = {stock.resolve(hub.ids[name]) for name in names}
    shifts = {shift.id: shift for person in people for shift in stock.shifts(person)}
    assert (len(people), len(shifts)) == (3, 4)
    held = {hub.ids[f"Qualification of {name}"]: hub.ids[name] for name in names}
    query = """query { people { nodes { id } } shifts { nodes { id } } qualifications { nodes { id } }
      supplyLots { nodes { id } } assets { nodes { id } } organizations { nodes { id } } }"""
    expected = {("wang",): 1, ("li",): 2, ("li again",): 2, ("wang", "zhao"): 2, ("li", "li again", "wang"): 3}
    for of, count in expected.items():
        scope = Scope(name="people_on_duty", parameters={"people": tuple(hub.ids[name] for name in of)})
        mask = (Grant(scope=scope),)
        listed = {kind: {one["id"] for one in page["nodes"]} for kind, page in run(hub.ask(query, mask=mask)).items()}
        sight = Sight(mask, reserve)
        assert listed == {
            "people": {id_ for id_ in people if sight.person(id_)},
            "shifts": {id_ for id_, shift in shifts.items() if sight.shift(shift)},
            "qualifications": {id_ for id_, whose in held.items() if sight.person(whose, "Qualification")},
            "supplyLots": {lot.id for lot in stock.lots("1010101") if sight.lot(lot)},
            "assets": {hub.ids["boiler"]} if sight.asset(hub.ids["boiler"]) else set(),
            "organizations": {hub.ids[name] for name in "AB" if sight.organization(hub.ids[name])},
        }
        assert len(listed["shifts"]) == len(listed["qualifications"]) == count
        assert not listed["supplyLots"] | listed["assets"] | listed["organizations"]
