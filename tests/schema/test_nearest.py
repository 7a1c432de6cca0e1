"""What is nearest, asked in GraphQL while there is no graph."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from strawberry.types import ExecutionResult

from adapters.contract import Claim, Link
from hub.clock import now
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import Draft
from hub.live.feed import Feed
from hub.reserve.distances import Pace
from hub.reserve.reserve import Reserve
from hub.viewer import LOCAL_ADMINISTRATOR, SHOW_ALL, Grant, Mask, Scope
from hub.warning.engine import Engine
from schema.context import Context, Services
from schema.schema import schema

SUPPLIES = """
query ($place: ID!, $quantity: Float!) {
  nearestSupplies(place: $place, item: "1010101", quantity: $quantity) {
    unit wanted found shortfall readAt
    picks { lotId name quantity sum metres minutes placePath { kind name } }
    toAsk { lotId name metres }
    leftOut { expired otherUnit unreachable }
  }
}
"""
PEOPLE = """
query ($place: ID!) {
  nearestPeople(place: $place, skill: "first_aid", count: 2, by: MINUTES, mode: DRIVING) {
    wanted shortfall unreachable picks { personId shiftId role metres placePath { name } }
  }
}
"""
CAMERAS = "query ($place: ID!) { nearestCameras(place: $place) { cameraId name view metres placePath { name } } }"


def stocked() -> list[Claim]:
    """A way of 120 m from East to West, where the stock and the people are."""
    in_park = Link(relation="PART_OF", target="park")
    place = lambda id_, kind, *links: Claim(  # noqa: E731
        kind="Place", external_id=id_, values={"kind": kind, "name": id_.title()}, links=links
    )
    end = lambda relation, target: Link(relation=relation, target=target)  # noqa: E731
    lot: dict[str, Any] = {"item_code": "1010101", "unit": "{piece}"}
    later, earlier = ((now() + timedelta(hours=h)).isoformat() for h in (8, -1))
    return [
        place("park", "PARK"),
        place("east", "BUILDING", in_park),
        place("west", "BUILDING", in_park),
        Claim(
            kind="Route",
            external_id="way",
            values={"length": 120.0, "drivable": True},
            links=(end("CONNECTS", "east"), end("CONNECTS", "west")),
        ),
        Claim(kind="SupplyItem", external_id="item", values={"code": "1010101", "unit": "{piece}"}),
        Claim(
            kind="SupplyLot",
            external_id="masks",
            values=lot | {"name": "口罩", "quantity": 30.0, "sharing": "OWN"},
            links=(end("STORED_IN", "west"),),
        ),
        Claim(
            kind="SupplyLot",
            external_id="tenant's",
            values=lot | {"name": "口罩 N95", "quantity": 500.0, "sharing": "ASK"},
            links=(end("STORED_IN", "east"),),
        ),
        Claim(
            kind="Qualification",
            external_id="q",
            values={"skill": "first_aid"},
            links=(end("HELD_BY", "li"),),
        ),
        Claim(
            kind="Shift",
            external_id="duty",
            values={"role": "值班员", "starts_at": earlier, "ends_at": later},
            links=(end("SERVED_BY", "li"), end("POSTED_AT", "west")),
        ),
        Claim(kind="Person", external_id="li", values={}),
        Claim(
            kind="Asset",
            external_id="cam",
            values={"kind": "CAMERA", "name": "西门"},
            links=(end("LOCATED_IN", "west"), end("MONITORS", "east")),
        ),
    ]


class Park:
    """A hub without a graph: the log, the places and the stock."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.engine = Engine(journal, now, precedence={})
        self.reserve = Reserve(journal, self.engine, now, precedence={}, pace=Pace())
        self.feed = Feed(journal)
        self.ids: Mapping[str, str] = {}

    def context(self, mask: Mask = SHOW_ALL) -> Context:
        absent: Any = None
        services = Services(
            journal=self.journal,
            store=absent,
            feed=self.feed,
            sources=absent,
            desk=absent,
            warning_desk=absent,
            incident_desk=absent,
            break_glasses=absent,
            reserve=self.reserve,
            projection=absent,
            clock=now,
            uploads=absent,
        )
        return Context(services=services, viewer=LOCAL_ADMINISTRATOR, mask=mask)

    async def ask(self, document: str, mask: Mask = SHOW_ALL, **variables: Any) -> ExecutionResult:
        result = await schema.execute(document, variable_values=variables, context_value=self.context(mask))
        assert isinstance(result, ExecutionResult)
        return result


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Park]:
    journal = await Journal.open(JournalConfig(url="sqlite", folder=folder))
    try:
        appended = await journal.append(Draft(source="plan", received_at=now(), claims=stocked()))
        park = Park(journal)
        park.ids = appended.entities
        tasks = [asyncio.create_task(part.run()) for part in (park.engine, park.reserve, park.feed)]
        try:
            yield park
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await journal.close()


def test_supplies_people_and_cameras_with_the_graph_away(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as park:
            ids = park.ids
            answers = [
                await park.ask(document, place=ids["east"], **more)
                for document, more in ((SUPPLIES, {"quantity": 50}), (PEOPLE, {}), (CAMERAS, {}))
            ]
            assert [answer.errors for answer in answers] == [None, None, None]
            supplies, people, cameras = (answer.data for answer in answers)
            assert supplies and people and cameras
            found = supplies["nearestSupplies"]
            assert found.pop("readAt")
            assert found == {
                "unit": "{piece}",
                "wanted": 50,
                "found": 30,
                "shortfall": 20,
                "picks": [
                    {
                        "lotId": ids["masks"],
                        "name": "口罩",
                        "quantity": 30,
                        "sum": 30,
                        "metres": 120,
                        "minutes": pytest.approx(120 / 1.2 / 60),
                        "placePath": [{"kind": "BUILDING", "name": "West"}, {"kind": "PARK", "name": "Park"}],
                    }
                ],
                "toAsk": [{"lotId": ids["tenant's"], "name": "口罩 N95", "metres": 0}],
                "leftOut": {"expired": 0, "otherUnit": 0, "unreachable": 0},
            }
            (pick,) = people["nearestPeople"]["picks"]
            assert (pick["personId"], pick["role"], pick["metres"]) == (ids["li"], "值班员", 120)
            assert (people["nearestPeople"]["shortfall"], people["nearestPeople"]["unreachable"]) == (1, 0)
            context = park.context()
            await schema.execute(PEOPLE, variable_values={"place": ids["east"]}, context_value=context)
            assert list(context.ledger.fields["Person.id"].shown) == [ids["li"]]  # an id is in the audit
            (camera,) = cameras["nearestCameras"]
            assert (camera["cameraId"], camera["name"], camera["view"]) == (ids["cam"], "西门", "WATCHES")
            assert (camera["metres"], camera["placePath"]) == (120, [{"name": "West"}, {"name": "Park"}])

    asyncio.run(main())


def test_names_beyond_ones_own_places_are_not_shown_while_what_is_there_counts(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as park:
            scope = Scope(name="within_places", parameters={"places": (park.ids["east"],)})
            answer = await park.ask(SUPPLIES, (Grant(scope=scope),), place=park.ids["east"], quantity=10)
            assert answer.data is not None
            (pick,) = answer.data["nearestSupplies"]["picks"]
            assert (pick["quantity"], pick["name"], pick["placePath"]) == (10, None, [])
            (ask,) = answer.data["nearestSupplies"]["toAsk"]
            assert ask["name"] == "口罩 N95"

    asyncio.run(main())


def test_what_is_not_known_is_an_error_and_no_empty_list(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as park:
            answer = await park.ask(SUPPLIES.replace("1010101", "9"), place=park.ids["east"], quantity=1)
            assert answer.data is None and answer.errors and "'9'" in str(answer.errors[0])
            answer = await park.ask(CAMERAS, place="elsewhere")
            assert answer.data is None and answer.errors and "elsewhere" in str(answer.errors[0])

    asyncio.run(main())


def test_stock_is_kept_and_taken_up_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as park:
            assert not (await park.ask(SUPPLIES, place=park.ids["east"], quantity=1)).errors
            await park.reserve.keep()
            held = park.reserve.stock.dump()
            again = Reserve(park.journal, park.engine, now, precedence={}, pace=Pace())
            await again.take_up()
            assert (again.position, again.stock.dump()) == (park.reserve.position, held)

    asyncio.run(main())
