"""An answer of the graph is kept while nothing new is said: for the same rights alone, and recorded each time."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
import pytest
from strawberry.types.field import StrawberryField

from adapters.contract import Claim
from hub.access.audit.audit import Audit
from hub.clock import now, to_micros
from hub.graph.embedded import Embedded
from hub.journal.records import Draft, ReadingRow
from hub.telemetry import Metrics
from hub.viewer import EVERYTHING, SHOW_ALL, Action, Grant, Mask, Scope, Viewer, Visibility
from hub.web.encoding import decode
from hub.web.execution import Execution
from hub.web.kept import of_the_graph
from hub.web.operation import Asker, Operation
from hub.web.releasing import Release
from schema.context import Context, Services
from schema.schema import schema
from tests.access.audit.keeping import folder
from tests.schema.conftest import Run
from tests.schema.hub import START, Hub, running

ASSETS = "query ($first: Int = 50) { assets(first: $first, orderBy: NAME) { nodes { id name place { name } } } }"
ONE = "query ($id: ID!) { asset(id: $id) { name } }"
ANNE, BEN = (Viewer(subject=name, roles=frozenset({"officer"})) for name in ("anne", "ben"))


@pytest.fixture(scope="module")
def hub(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Of this module's own: what it says would change the lists of others."""
    engine = Embedded(tmp_path_factory.mktemp("graph"), now)
    config = runner.run(engine.start())
    try:
        opened = running(tmp_path_factory.mktemp("state"), config)
        yield runner.run(opened.__aenter__())
        runner.run(opened.__aexit__(None, None, None))
    finally:
        runner.run(engine.stop())


class Counting:
    """The hub's own store, and how often it was read."""

    def __init__(self, hub: Hub) -> None:
        self._store, self.reads = hub.store, 0

    async def read(self, statement: str, parameters: Mapping[str, object]) -> list[dict[str, object]]:
        self.reads += 1
        return await self._store.read(statement, parameters)


class Held:
    """Rights that a test can change."""

    version = "1"

    def __init__(self) -> None:
        self.given: dict[str, Mask] = {}

    def mask(self, viewer: Viewer, action: Action) -> Mask:
        return self.given.get(viewer.subject, SHOW_ALL)


class Asking:
    def __init__(self, hub: Hub, audit: Audit | None = None) -> None:
        self.store, self.rights = Counting(hub), Held()
        parts = {name: getattr(hub.services, name) for name in Services.__slots__} | {"store": self.store}
        services = Services(**parts)

        def contexts(asker: Asker, mask: Mask) -> Context:
            return Context(services=services, viewer=asker.viewer, mask=mask, language=asker.language)

        self._execution = Execution(
            schema,
            contexts,
            Metrics(),
            self.rights,
            Release(audit),
            standing=lambda: hub.projector.standing,
        )

    async def ask(self, document: str, viewer: Viewer = ANNE, **variables: object) -> tuple[Any, int]:
        """The data, and how often the graph was read for it."""
        before = self.store.reads
        answer = await self._execution.once(
            Operation(document=document, variables=variables), Asker(viewer=viewer), "http"
        )
        body: Any = decode(answer.body)
        assert answer.code is None, body
        return body["data"], self.store.reads - before


def names(data: Any) -> list[str]:
    return [row["name"] for row in data["assets"]["nodes"]]


def sensor(name: str) -> Claim:
    return Claim(kind="Asset", external_id=name, values={"kind": "SENSOR", "name": name})


def test_the_same_question_is_read_once_until_something_is_said(hub: Hub, run: Run) -> None:
    async def ask() -> None:
        asking = Asking(hub)
        first, reads = await asking.ask(ASSETS)
        assert reads == 1
        assert await asking.ask(ASSETS) == (first, 0)
        assert (await asking.ask(ASSETS, first=1))[1] == 1  # another question
        assert (await asking.ask(ASSETS, BEN)) == (first, 0)  # of the same class
        await hub.append(source="cabinets", claims=[sensor("Aaa new")])
        now, reads = await asking.ask(ASSETS)
        assert reads == 1
        assert "Aaa new" in names(now)

    run(ask())


def test_a_variable_of_the_first_field_makes_another_question(hub: Hub, run: Run) -> None:
    async def ask() -> None:
        asking = Asking(hub)
        told = [(await asking.ask(ONE, id=hub.ids[name])) for name in ("boiler", "door", "boiler")]
        assert told == [
            ({"asset": {"name": "Boiler"}}, 1),
            ({"asset": {"name": "Door"}}, 1),
            ({"asset": {"name": "Boiler"}}, 0),
        ]

    run(ask())


def test_readings_leave_the_graph_as_it_is(hub: Hub, run: Run) -> None:
    async def ask() -> None:
        asking = Asking(hub)
        await asking.ask(ASSETS)
        (series,) = await hub.journal.series("cabinets", [("boiler", "temperature", "Cel")])
        await hub.append(source="cabinets", readings=[ReadingRow(series.id, to_micros(START) - 7, 1.0, 0, None)])
        assert (await asking.ask(ASSETS))[1] == 0

    run(ask())


def test_who_sees_less_is_never_told_what_another_was(hub: Hub, run: Run) -> None:
    west = Scope(name="within_places", parameters=MappingProxyType({"places": (hub.ids["west"],)}))

    async def ask() -> None:
        asking = Asking(hub)
        asking.rights.given["ben"] = (Grant(scope=west),)
        everything, _ = await asking.ask(ASSETS)
        theirs, reads = await asking.ask(ASSETS, BEN)
        assert (names(theirs), reads) == (["Door"], 1)
        assert (await asking.ask(ASSETS, BEN)) == (theirs, 0)
        assert (await asking.ask(ASSETS)) == (everything, 0)
        asking.rights.given["anne"] = (Grant(scope=EVERYTHING, fields={"Asset.name": Visibility.HIDE}),)  # a new policy
        hidden, reads = await asking.ask(ASSETS.replace(", orderBy: NAME", ""))
        assert (set(names(hidden)), reads) == ({None}, 1)

    run(ask())


@pytest.mark.parametrize(
    "field",
    [
        "asset(id: $id) { sensor { latest { value } } }",
        "asset(id: $id) { provenance { stale } }",
        "asset(id: $id) { facts { stale } }",
        "assets { readAt nodes { name } }",
        "places { nodes { warnings { nodes { id } } } }",
        "places { nodes { peopleOnDuty { nodes { id } } } }",
        "sources { stale } assets { nodes { name } }",
        "alertCounts(by: HOUR) { total } assets { nodes { name } }",
    ],
)
def test_what_hangs_on_more_than_the_graph_is_asked_anew(hub: Hub, run: Run, field: str) -> None:
    async def ask() -> None:
        asking = Asking(hub)
        document = f"query ($id: ID!) {{ asset(id: $id) {{ id }} {field.replace('asset(', 'it: asset(')} }}"
        await asking.ask(document, id=hub.ids["boiler"])
        assert (await asking.ask(document, id=hub.ids["boiler"]))[1] >= 1

    run(ask())


def test_a_change_counts_from_when_it_is_said_not_from_when_it_is_shown(hub: Hub, run: Run) -> None:
    """In between, an id may have become another's already, or a person may have been erased."""

    async def ask() -> None:
        asking = Asking(hub)
        await asking.ask(ASSETS)
        for number in range(3):
            draft = Draft(source="cabinets", received_at=now(), claims=(sensor(f"Aab {number}"),))
            appended = await hub.journal.append(draft)
            assert hub.projector.standing is None or hub.projector.standing[-1] >= appended.seq
            assert (await asking.ask(ASSETS))[1] == 1

    run(ask())


def test_a_query_six_levels_deep_reads_the_graph_once(hub: Hub, run: Run) -> None:
    document = """query ($id: ID!) { place(id: $id) { name parts(first: 9) { nodes { name
        assets(first: 9) { nodes { name place { name partOf { name
          path { name adjacent(first: 9) { nodes { name } } } } } } } } } } }"""

    async def ask() -> None:
        data, reads = await Asking(hub).ask(document, id=hub.ids["park"])
        assert reads == 1
        doors = [row for part in data["place"]["parts"]["nodes"] for row in part["assets"]["nodes"]]
        assert {"name": "West", "partOf": {"name": "Park", "path": []}} in [row["place"] for row in doors]

    run(ask())


def test_each_answer_is_recorded_and_a_personal_one_is_made_anew(hub: Hub, run: Run, tmp_path: Path) -> None:
    person = "query ($id: ID!) { person(id: $id) { name } }"
    keeping = folder(tmp_path)

    async def ask() -> None:
        said = {"name": "Pat", "phone": "139"}
        await hub.append(source="survey", claims=[Claim(kind="Person", external_id="pat", values=said)])
        audit = await keeping.open()
        await audit.settled()
        asking = Asking(hub, audit)
        assert [(await asking.ask(ASSETS, viewer))[1] for viewer in (ANNE, BEN)] == [1, 0]
        assert [(await asking.ask(person, id=hub.ids["pat"]))[1] for _ in range(2)] == [1, 1]
        await audit.close()

    run(ask())
    told = [orjson.loads(bytes(body)) for (body,) in keeping.rows("SELECT body FROM entry ORDER BY number")]
    assert sorted((each["viewer"]["subject"], list(each["types"])) for each in told) == [
        ("anne", ["Asset", "Place"]),
        ("anne", ["Person"]),
        ("anne", ["Person"]),
        ("ben", ["Asset", "Place"]),
    ]  # what is not personal is gathered, and written a moment later


def test_the_fields_that_switch_it_off_are_these() -> None:
    """A new field that needs neither clock nor readings nor sources nor the viewer is marked by
    `schema.rows.of_the_graph`; any other is written down here."""
    found = {
        name
        for of, type_ in schema._schema.type_map.items()
        if of not in ("Mutation", "Subscription", "_Service") and not of.startswith("__")
        for name, field in getattr(type_, "fields", {}).items()
        if isinstance(made := getattr(field, "extensions", {}).get("strawberry-definition"), StrawberryField)
        and not of_the_graph(made)
    }
    clock = {"warnings", "peopleOnDuty", "readAt"}
    readings = {"latest", "readings", "quantities"}
    sources = {"facts", "provenance", "sources", "deadLetters"}
    memory = {"nearestPeople", "nearestSupplies", "nearestCameras", "lot", "camera", "person", "holder"}
    counts = {"assetCounts", "alertCounts", "lotCounts", "building", "place"}
    records = {
        "accesses", "accessReport", "consents", "personalDataShared", "personalDataProvided", "breakGlasses", "seen",
        "sealed", "matches", "left", "right", "evidence", "reason", "rejectedRows", "unmappedSupplies",
    }  # fmt: skip
    changes = {"entity", "entities", "route", "_entities", "_service"}
    assert found == clock | readings | sources | memory | counts | records | changes
