"""A mask shows the same on every path, and exactly what it means: compared with plain Python over the claims."""

import asyncio
import tempfile
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import Code
from hub.graph.selection import Nested, Page, Root, Selection
from hub.graph.store import GraphConfig, Store
from hub.journal.cursors import FeedCursor
from hub.journal.identity import SourceTrust
from hub.viewer import SHOW_ALL, Mask, Visibility, sees_all
from tests.schema.conftest import Run
from tests.schema.hub import Hub, running
from tests.schema.test_alerts import watch
from tests.schema.test_query import code
from tests.schema.world import ITEM, ORGANIZATIONS, PLACES, SOURCE, World, made
from tests.select import parks
from tests.select.reference import answer, holders, visibility

pytestmark = pytest.mark.long

FIELDS = {
    "Place": ("places", ("name", "code")),
    "Organization": ("organizations", ("name", "telephone")),
    "Asset": ("assets", ("name", "serialNumber")),
    "Person": ("people", ("name", "phone")),
    "SupplyLot": ("supplyLots", ("name", "quantity", "itemCode")),
    "Alert": ("alerts", ("quantity", "value", "unit")),
}
ORDERED = "query { supplyLots(orderBy: NAME) { nodes { id } } }"
COUNTED = "query { assetCounts(by: [KIND]) { total groups { count } } }"
NEAREST = f"""query ($place: ID!) {{ nearestSupplies(place: $place, item: "{ITEM}", quantity: 1000) {{
  found picks {{ lotId name quantity }} toAsk {{ lotId name }} }} }}"""
NAMES = [
    *(f"{kind}.{name}" for kind, (_, names) in FIELDS.items() for name in names if name.islower()),
    *("Asset.serial_number", "SupplyLot.item_code", "Place.assets", "Asset.kind", "Asset.sources"),
]


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def clear(value: Any) -> Any:
    """The oracle masks what is stored; what is shown of a sealed text is masked after it was unsealed."""
    return f"****{value[-4:]}" if isinstance(value, str) and value.startswith("****") and len(value) > 8 else value


@asynccontextmanager
async def park(folder: Path, config: GraphConfig, seed: int) -> Any:
    """The hub's parts on an empty graph, places and stock followed from the log."""
    store = await Store.open(config)
    await store.write([("MATCH (n) DETACH DELETE n", {})])
    await store.close()
    found: list[World] = []

    async def furnish(hub: Hub) -> None:
        reserve: Any = hub.services.reserve
        tasks.extend(asyncio.create_task(part.run()) for part in (reserve.places, reserve))
        found.append(await made(hub, seed))

    tasks: list[asyncio.Task[Any]] = []
    trust = {SOURCE: SourceTrust(precedence=50)}
    async with running(folder, config, trust, furnish) as hub:
        try:
            yield hub, found[0]
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


def expected(world: World, kind: str, mask: Mask) -> dict[str, dict[str, Any]]:
    names = {name: snake(name) for name in FIELDS[kind][1]}
    selection = Selection(entity=kind, fields=tuple(names.values()))
    (found,) = answer(world.park, [Root(selection=selection, page=Page(first=500))], mask)
    return {row["id"]: {name: clear(row[stored]) for name, stored in names.items()} for row in found["rows"]}


def rows(found: list[Any]) -> dict[str, dict[str, Any]]:
    return {row["id"]: {n: v for n, v in row.items() if n not in ("id", "facts", "__typename")} for row in found if row}


async def same_by_graph(hub: Hub, world: World, mask: Mask, kind: str) -> None:
    """List, count of the list, node, id, entity and facts."""
    listed, names = FIELDS[kind]
    ids, fields = world.of(kind), " ".join(names)
    facts = ' facts(fields: ["name"]) { value }' if kind != "Alert" else ""
    shown = f"... on {kind} {{ id {fields}{facts} }}"  # the same by id as by reference: one plan serves both
    one = " ".join(f'n{n}: node(id: "{id_}") {{ {shown} }}' for n, id_ in enumerate(ids))
    document = f"""query ($refs: [_Any!]!) {{ {listed}(first: 500, orderBy: ID) {{
      totalCount nodes {{ id {fields} }} }} {one}
      _entities(representations: $refs) {{ {shown} }} }}"""
    data = await hub.ask(document, mask=mask, refs=[{"__typename": kind, "id": id_} for id_ in ids])
    wanted = expected(world, kind, mask)
    assert rows(data[listed]["nodes"]) == wanted
    assert data[listed]["totalCount"] == len(wanted)
    nodes = [data[f"n{n}"] for n in range(len(ids))]
    assert rows(nodes) == wanted
    assert rows(data["_entities"]) == wanted
    assert data["_entities"] == nodes
    for row in nodes if facts else ():
        if row:
            told = [fact["value"] for fact in row["facts"]]
            sourced = visibility(world.park, row["id"], holders(world.park, mask, row["id"]), "sources")
            whole = wanted[row["id"]]["name"] is not None and sourced is Visibility.SHOW
            assert told == ([wanted[row["id"]]["name"]] if whole else [])


async def same_below_places(hub: Hub, world: World, mask: Mask) -> None:
    document = "query { places(first: 500) { nodes { id assets { totalCount nodes { id name } } } } }"
    data = await hub.ask(document, mask=mask)
    assets = Nested(
        alias="assets",
        relation="assets",
        selection=Selection(entity="Asset", fields=("name",)),
        page=Page(first=500, want_total=True),
    )
    root = Root(selection=Selection(entity="Place", nested=(assets,)), page=Page(first=500))
    (found,) = answer(world.park, [root], mask)
    below = lambda rows: {row["id"]: row["name"] for row in rows}  # noqa: E731
    assert {
        row["id"]: (row["assets"]["totalCount"], below(row["assets"]["nodes"])) for row in data["places"]["nodes"]
    } == {row["id"]: (row["@assets"]["total"], below(row["@assets"]["rows"])) for row in found["rows"]}


async def same_in_order_and_count(hub: Hub, world: World, mask: Mask) -> None:
    ordered, lots = await hub.execute(ORDERED, mask=mask), expected(world, "SupplyLot", mask)
    if parks.shown(mask, "SupplyLot", ["name"]):
        wanted = sorted(lots, key=lambda id_: (lots[id_]["name"] or "", id_))
        assert [row["id"] for row in ordered.data["supplyLots"]["nodes"]] == wanted
    else:
        assert code(ordered) is Code.FORBIDDEN
    counted, assets = await hub.execute(COUNTED, mask=mask), expected(world, "Asset", mask)
    if parks.shown(mask, "Asset", ["kind"]):
        assert counted.data["assetCounts"]["total"] == len(assets)
        told = [group["count"] for group in counted.data["assetCounts"]["groups"]]
        assert all(number >= 5 for number in told) or sees_all(mask, "Asset")
    else:
        assert code(counted) is Code.FORBIDDEN


async def events(hub: Hub, document: str, most: int, mask: Mask) -> list[Any]:
    """All that are told from the beginning: what does not come soon does not come."""
    after = FeedCursor(epoch=hub.journal.epoch, seq=0).encode()
    found = await watch(hub, document, most, mask=mask, after=after, patience=0.6)
    assert not [event.errors for event in found if event.errors]
    return [next(iter(event.data.values())) for event in found]


async def same_live(hub: Hub, world: World, mask: Mask) -> None:
    alerts = "subscription ($after: FeedCursor) { alerts(after: $after) { alert { id quantity value unit } } }"
    lots = "subscription ($after: FeedCursor) { lots(after: $after) { lot name quantity itemCode } }"
    of_alerts, of_lots = await asyncio.gather(
        events(hub, alerts, len(world.alerts), mask), events(hub, lots, len(world.lots), mask)
    )
    wanted = expected(world, "Alert", mask)
    assert [each["alert"] for each in of_alerts] == [{"id": a, **wanted[a]} for a in world.alerts if a in wanted]
    wanted = expected(world, "SupplyLot", mask)
    assert of_lots == [{"lot": lot, **wanted[lot]} for lot in world.lots if lot in wanted]


async def same_nearest(hub: Hub, world: World, mask: Mask) -> None:
    """What is shared counts for all; which it is, and whom to ask, is for those to whom it is shown."""
    place = hub.ids["east"]
    whole = (await hub.ask(NEAREST, place=place))["nearestSupplies"]
    found = await hub.execute(NEAREST, mask=mask, place=place)
    if not holders(world.park, mask, place) or not holders(world.park, mask, hub.ids["item"]):
        assert code(found) is Code.NOT_FOUND
        return
    lots, told = expected(world, "SupplyLot", mask), found.data["nearestSupplies"]
    named = lambda pick: {"lotId": pick["lotId"], "name": lots[pick["lotId"]]["name"]}  # noqa: E731
    assert told["found"] == whole["found"]
    assert told["picks"] == [
        {"quantity": pick["quantity"], **(named(pick) if pick["lotId"] in lots else {"lotId": None, "name": None})}
        for pick in whole["picks"]
    ]
    assert told["toAsk"] == [named(each) for each in whole["toAsk"] if each["lotId"] in lots]


@pytest.mark.timeout(400)
@settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_every_path_shows_what_the_mask_means(own_graph: GraphConfig, run: Run, data: st.DataObject) -> None:
    async def main() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with park(Path(folder), own_graph, data.draw(st.integers(0, 10_000))) as (hub, world):
                places, own = [hub.ids[p] for p in PLACES], [hub.ids[o] for o in ORGANIZATIONS]
                drawn = [data.draw(parks.masks(places, own, NAMES)) for _ in range(3)]
                masks: tuple[Mask, ...] = (SHOW_ALL, (), *drawn)
                for mask in (mask for n, mask in enumerate(masks) if mask not in masks[:n]):
                    for kind in FIELDS:  # in turn: each asks new statements, and an engine's planner takes its time
                        await same_by_graph(hub, world, mask, kind)
                    await same_below_places(hub, world, mask)
                    await same_in_order_and_count(hub, world, mask)
                    await same_nearest(hub, world, mask)
                    await same_live(hub, world, mask)

    run(main())
