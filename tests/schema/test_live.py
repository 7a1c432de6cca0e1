"""Warnings, sources and lots as they happen, asked in GraphQL while there is no graph."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from graphql import parse
from graphql.execution import subscribe

from adapters.contract import Claim, Link
from adapters.government.areas import Areas, Geocode
from hub.clock import now
from hub.errors import CausewayError
from hub.journal.cursors import FeedCursor
from hub.journal.records import HUB, Draft, NewEvent
from hub.viewer import EVERYTHING, SHOW_ALL, Grant, Mask, Scope, Visibility
from hub.warning.warning_desk import locate
from schema.schema import schema
from tests.schema.test_nearest import Park, opened

LOTS = """
subscription ($after: FeedCursor, $within: ID, $item: String) {
  lots(after: $after, within: $within, item: $item) { cursor lot name quantity sharing gone placePath { name } }
}
"""
WARNINGS = """
subscription ($after: FeedCursor) {
  warnings(after: $after) { type identifier headline severity places { kind name } acknowledgedBy }
}
"""
HEALTH = "subscription ($after: FeedCursor) { sourceHealth(after: $after) { cursor type source reason } }"


async def watch(park: Park, document: str, count: int, mask: Mask = SHOW_ALL, **variables: Any) -> list[Any]:
    """The first events of a subscription, each the value of its one field."""
    source = subscribe(schema._schema, parse(document), context_value=park.context(mask), variable_values=variables)
    found: Any = await source if asyncio.iscoroutine(source) else source
    events = []
    async with asyncio.timeout(20), aclosing(found) as stream:
        async for event in stream:
            assert not event.errors, event.errors
            events.append(next(iter(event.data.values())))
            if len(events) == count:
                break
    return events


def beginning(park: Park) -> str:
    return FeedCursor(epoch=park.journal.epoch, seq=0).encode()


async def lot(park: Park, name: str, place: str, quantity: float, item: str = "1010101") -> None:
    claim = Claim(
        kind="SupplyLot",
        external_id=name,
        values={"name": name, "item_code": item, "unit": "{piece}", "quantity": quantity, "sharing": "OWN"},
        links=(Link(relation="STORED_IN", target=place),),
    )
    await park.journal.append(Draft(source="plan", received_at=now(), claims=[claim]))


def test_lots_of_one_place_or_one_item_as_they_change(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as park:
            live = asyncio.create_task(watch(park, LOTS, 2, within=park.ids["west"]))
            of_item = asyncio.create_task(watch(park, LOTS, 1, item="7"))
            await asyncio.sleep(0.05)
            await lot(park, "new", "east", 1)
            await lot(park, "new", "west", 2)
            await lot(park, "rope", "east", 3, item="7")
            await lot(park, "new", "west", 4)
            first, second = await live
            assert [(e["name"], e["quantity"], e["placePath"][0]["name"]) for e in (first, second)] == [
                ("new", 2, "West"),
                ("new", 4, "West"),
            ]
            assert [e["name"] for e in await of_item] == ["rope"]
            (again,) = await watch(park, LOTS, 1, within=park.ids["park"], after=first["cursor"])
            assert again["name"] == "rope"

    asyncio.run(main())


def test_a_lot_beyond_ones_own_places_is_not_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as park:
            scope = Scope(name="within_places", parameters={"places": (park.ids["east"],)})
            await lot(park, "there", "west", 1)
            await lot(park, "here", "east", 2)
            for _ in range(100):  # what stands where is known a moment later
                if park.engine.position >= park.journal.head:
                    break
                await asyncio.sleep(0.02)
            told = await watch(park, LOTS, 2, (Grant(scope=scope),), after=beginning(park))
            assert [e["name"] for e in told] == ["口罩 N95", "here"]

    asyncio.run(main())


def test_a_warning_is_told_then_what_it_covers(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as park:
            await locate(park.journal, ("500112",), now())
            areas = Areas(geocodes=(Geocode(scheme="GB/T 2260", value="500000"),)).dumps()
            values = {"identifier": "w-1", "status": "ACTUAL", "message_type": "ALERT", "severity": "SEVERE"}
            claim = Claim(kind="Warning", external_id="w-1", values=values | {"areas": areas, "headline": "暴雨"})
            await park.journal.append(Draft(source="cap", received_at=now(), claims=[claim]))
            told, covered = await watch(park, WARNINGS, 2, after=beginning(park))
            assert told == {
                "type": "TOLD",
                "identifier": "w-1",
                "headline": "暴雨",
                "severity": "SEVERE",
                "places": None,
                "acknowledgedBy": None,
            }
            assert (covered["type"], covered["identifier"]) == ("COVERED", "w-1")
            assert covered["places"] == [{"kind": "PARK", "name": "Park"}]

    asyncio.run(main())


def test_a_source_that_is_lost_and_comes_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as park:
            live = asyncio.create_task(watch(park, HEALTH, 2))
            await asyncio.sleep(0.05)
            for version, (type_, reason) in enumerate(
                (("source.unavailable", "no data"), ("source.recovered", "data comes again"))
            ):
                event = NewEvent(
                    type=type_,
                    version=1,
                    stream="source:cabinets",
                    expected=version,
                    data={"source": "cabinets", "reason": reason},
                    actor=HUB,
                )
                await park.journal.append(Draft(source=HUB, received_at=now(), events=[event]))
            lost, back = await live
            assert (lost["type"], lost["source"], lost["reason"]) == ("UNAVAILABLE", "cabinets", "no data")
            assert back["type"] == "RECOVERED"
            assert (await watch(park, HEALTH, 1, after=lost["cursor"]))[0] == back

    asyncio.run(main())


ALERTS = """
subscription ($after: FeedCursor, $filter: AlertEventFilter) {
  alerts(after: $after, filter: $filter) { alert { code } }
}
"""


async def opened_alert(
    park: Park, code: str, places: list[str], severity: str = "SEVERE", kind: str = "SENSOR"
) -> None:
    at = now().isoformat(timespec="microseconds")
    alert = {
        "id": f"a-{code}", "rule": "r", "severity": severity, "state": "UNACKNOWLEDGED", "code": code, "openedAt": at,
        "acknowledgedAt": None, "acknowledgedBy": None, "returnedAt": None, "closedAt": None, "quantity": None,
        "value": None, "limit": None, "unit": None, "subject": {"id": f"s-{code}", "kind": kind, "name": code},
        "path": [{"id": park.ids[each], "kind": "BUILDING", "name": each} for each in places],
    }  # fmt: skip
    event = NewEvent(
        type="alert.opened", version=2, stream=f"alert:a-{code}", expected=0, data={"alert": alert}, actor=HUB
    )
    await park.journal.append(Draft(source=HUB, received_at=now(), events=[event]))


@pytest.mark.parametrize(
    ("which", "told"),
    [
        ({}, ["a", "b", "c"]),
        ({"within": "west"}, ["b", "last"]),
        ({"within": "park", "severity": ["SEVERE"]}, ["a", "c"]),
        ({"assetKind": ["CAMERA"]}, ["c", "last"]),
        ({"code": ["b", "c"]}, ["b", "c"]),
        ({"near": ("east", 100.0)}, ["a", "c"]),
        ({"near": ("east", 120.0)}, ["a", "b", "c"]),
        ({"type": ["OPENED"], "near": ("west", 0.0), "severity": ["EXTREME"]}, ["last"]),
    ],
)
def test_alerts_of_some_places_kinds_and_severities(tmp_path: Path, which: dict[str, Any], told: list[str]) -> None:
    async def main() -> None:
        async with opened(tmp_path) as park:
            await opened_alert(park, "a", ["east", "park"])
            await opened_alert(park, "b", ["west", "park"], severity="MINOR")
            await opened_alert(park, "c", ["east", "park"], kind="CAMERA")
            await opened_alert(park, "last", ["west", "park"], severity="EXTREME", kind="CAMERA")
            asked = dict(which)
            if "within" in asked:
                asked["within"] = park.ids[asked["within"]]
            if "near" in asked:
                asked["near"] = {"place": park.ids[asked["near"][0]], "metres": asked["near"][1]}
            events = await watch(park, ALERTS, len(told), after=beginning(park), filter=asked)
            assert [event["alert"]["code"] for event in events] == told

    asyncio.run(main())


def test_nobody_filters_by_what_is_not_shown_nor_by_a_place_that_is_none(tmp_path: Path) -> None:
    hidden = (Grant(scope=EVERYTHING, fields={"Alert.severity": Visibility.HIDE}),)

    async def refusal(park: Park, mask: Mask, asked: dict[str, Any]) -> str:
        with pytest.raises(CausewayError) as refused:
            await watch(park, ALERTS, 1, mask, after=beginning(park), filter=asked)
        return str(refused.value)

    async def main() -> None:
        async with opened(tmp_path) as park:
            await opened_alert(park, "a", ["east", "park"])
            assert "Alert.severity is not shown" in await refusal(park, hidden, {"severity": ["SEVERE"]})
            assert "no place" in await refusal(park, SHOW_ALL, {"within": "nowhere"})
            assert "no place" in await refusal(park, SHOW_ALL, {"near": {"place": "nowhere", "metres": 1}})

    asyncio.run(main())


def test_warnings_that_cover_a_place_below_them(tmp_path: Path) -> None:
    document = "subscription ($after: FeedCursor, $filter: WarningEventFilter) { warnings(after: $after, filter: $filter) { type severity } }"  # noqa: E501

    async def main() -> None:
        async with opened(tmp_path) as park:
            await locate(park.journal, ("500112",), now())
            areas = Areas(geocodes=(Geocode(scheme="GB/T 2260", value="500000"),)).dumps()
            values = {"identifier": "w-1", "status": "ACTUAL", "message_type": "ALERT", "severity": "SEVERE"}
            claim = Claim(kind="Warning", external_id="w-1", values=values | {"areas": areas, "headline": "暴雨"})
            await park.journal.append(Draft(source="cap", received_at=now(), claims=[claim]))
            for _ in range(250):
                if park.engine.position >= park.journal.head:
                    break
                await asyncio.sleep(0.02)
            asked = {"within": park.ids["west"], "severity": ["SEVERE"]}
            told = await watch(park, document, 1, after=beginning(park), filter=asked)
            assert told[0]["severity"] == "SEVERE"

    asyncio.run(main())
