"""Any selection, read by one statement on either engine, answers what plain Python over the same park answers."""

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.access.sharing import with_terms
from hub.errors import BadRequest, Forbidden
from hub.graph.select import select
from hub.graph.selection import Filters, Found, Key, Nested, Order, Page, Root, Selection
from hub.viewer import LOCAL_ADMINISTRATOR, SHOW_ALL, Grant, Mask, Scope, Visibility
from tests.select import parks
from tests.select.engine import Engine
from tests.select.reference import answer, plain
from tests.select.walks import Park

pytestmark = pytest.mark.long

SLOW = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def read(engine: Engine, *roots: Root, mask: Mask = SHOW_ALL) -> list[Any]:
    return engine.run(select(engine.store, roots, LOCAL_ADMINISTRATOR, with_terms(mask)))


def _ordered(results: Sequence[Any], roots: Sequence[Root]) -> list[Any]:
    """Rows of ids come in no order of their own."""
    return [
        sorted(result, key=lambda row: row["id"]) if root.ids is not None else result
        for result, root in zip(results, roots, strict=True)
    ]


@pytest.mark.timeout(300)  # each example is planned anew
@SLOW
@given(data=st.data())
def test_any_selection_answers_what_the_park_holds(engine: Engine, data: st.DataObject) -> None:
    park = parks.park_of(data.draw(st.integers(0, 10_000)))
    engine.load(park)
    for _ in range(3):
        mask = data.draw(parks.masks())
        roots = data.draw(parks.reads(mask))
        found = read(engine, *roots, mask=mask)
        assert _ordered(plain(found), roots) == answer(park, roots, mask)


def a_park() -> Park:
    """Two buildings, each with two assets; the park above them."""

    def place(kind: str, name: str) -> dict[str, Any]:
        return {"entity": "Place", "kind": kind, "name": name, "retired": False}

    def asset(name: str, serial: str) -> dict[str, Any]:
        return {"entity": "Asset", "kind": "SENSOR", "name": name, "serial_number": serial, "retired": False}

    return Park(
        nodes={
            "park": place("PARK", "Park"),
            "east": place("BUILDING", "East"),
            "west": place("BUILDING", "West"),
            "e1": asset("Boiler", "SN-1001"),
            "e2": asset("Cabinet", "SN-1002"),
            "w1": asset("Door", "SN-2001"),
            "w2": asset("Engine", "SN-2002"),
        },
        edges={
            ("east", "PART_OF", "park"),
            ("west", "PART_OF", "park"),
            ("e1", "LOCATED_IN", "east"),
            ("e2", "LOCATED_IN", "east"),
            ("w1", "LOCATED_IN", "west"),
            ("w2", "LOCATED_IN", "west"),
        },
    )


def within(*places: str) -> Scope:
    return Scope(name="within_places", parameters=MappingProxyType({"places": places}))


def assets(**page: Any) -> Root:
    return Root(
        selection=Selection(entity="Asset", fields=("name", "serial_number")), page=Page(want_total=True, **page)
    )


def names(found: Found) -> list[str | None]:
    return [row["name"] for row in found.rows]


def test_two_grants_show_each_row_as_openly_as_any_that_holds_it(engine: Engine) -> None:
    engine.load(a_park())
    mask: Mask = (
        Grant(scope=within("park"), fields={"Asset.serial_number": Visibility.MASK_LAST4}),
        Grant(scope=within("east")),
    )
    (found,) = read(engine, assets(), mask=mask)
    assert {row["id"]: row["serial_number"] for row in found.rows} == {
        "e1": "SN-1001",
        "e2": "SN-1002",
        "w1": "****2001",
        "w2": "****2002",
    }
    (found,) = read(engine, assets(), mask=mask[1:])
    assert (names(found), found.total) == (["Boiler", "Cabinet"], 2)
    (found,) = read(engine, assets(), mask=())
    assert (names(found), found.total) == ([], 0)


def test_what_lies_below_a_visible_row_is_held_against_the_mask_too(engine: Engine) -> None:
    engine.load(a_park())
    building = Selection(
        entity="Place",
        fields=("name",),
        nested=(
            Nested(
                alias="up",
                relation="part_of",
                selection=Selection(
                    entity="Place",
                    nested=(
                        Nested(
                            alias="all",
                            relation="assets_below",
                            page=Page(want_total=True),
                            selection=Selection(entity="Asset", fields=("name",)),
                        ),
                    ),
                ),
            ),
        ),
    )
    read_both = Root(selection=building, ids=("east", "west"))
    (rows,) = read(engine, read_both, mask=(Grant(scope=within("east")),))
    assert [(row["id"], row["@up"]) for row in rows] == [("east", None)]  # the park itself is not within the east
    (rows,) = read(engine, read_both)
    assert [row["@up"]["@all"].total for row in rows] == [4, 4]


@pytest.mark.parametrize(
    ("page", "hidden"),
    [
        ({"order": Order.NAME}, "Asset.name"),
        ({"filters": Filters.of(search=("boiler",))}, "Asset.name"),
        ({"filters": Filters.of(kind=("SENSOR",))}, "Asset.kind"),
        ({"filters": Filters.of(within=("east",))}, "Asset.place"),
    ],
)
def test_a_masked_field_cannot_be_guessed_by_filter_or_order(
    engine: Engine, page: Mapping[str, Any], hidden: str
) -> None:
    masked = (Grant(scope=within("park")), Grant(scope=within("east"), fields={hidden: Visibility.MASK_LAST4}))
    with pytest.raises(Forbidden, match=hidden):
        read(engine, assets(**page), mask=masked)


@pytest.mark.parametrize("order", [Order.ID, Order.NAME, Order.NAME_DOWN])
def test_pages_follow_each_other_while_rows_are_added_and_lost(engine: Engine, order: Order) -> None:
    park = a_park()
    engine.load(park)
    whole = [row["id"] for row in read(engine, assets(order=order))[0].rows]
    seen: list[str] = []
    after: Key | None = None
    while True:
        (found,) = read(engine, assets(order=order, first=1, after=after))
        seen += [row["id"] for row in found.rows]
        assert found.has_previous == (after is not None)
        if not found.has_next:
            break
        last = found.rows[-1]
        after = Key(last.get("@key", last["id"]), last["id"])
        # a twin of the row where the page ended, right before it, while that row itself goes
        park.nodes[("~" if order.descending else "!") + last["id"]] = dict(park.nodes[last["id"]])
        del park.nodes[last["id"]]
        park.edges = {edge for edge in park.edges if last["id"] not in edge}
        engine.load(park)
    assert seen == whole


@pytest.mark.parametrize(
    "text", ["' OR 1=1 //", "}) DETACH DELETE n //", "$p0", "`", "\\u0027", "east' RETURN 1 //", "\x00"]
)
def test_text_from_outside_stays_a_value(engine: Engine, text: str) -> None:
    engine.load(a_park())
    for page in (
        {"filters": Filters.of(within=(text,))},
        {"filters": Filters.of(ids=(text,))},
        {"filters": Filters.of(kind=(text,))},
        {"filters": Filters.of(search=(text,))},
        {"after": Key("zzzz", "zzzz"), "order": Order.NAME},
    ):
        (found,) = read(engine, assets(**page))
        assert (found.rows, found.total if "after" not in page else 0) == ([], 0)
    (rows,) = read(engine, Root(selection=Selection(entity="Asset"), ids=(text,)))
    assert rows == []
    (found,) = read(engine, assets(), mask=(Grant(scope=within(text)),))
    assert found.total == 0
    assert read(engine, assets())[0].total == 4


def test_names_from_outside_are_refused() -> None:
    def refused(root: Root, mask: Mask = SHOW_ALL) -> None:
        with pytest.raises((BadRequest, Forbidden)):
            asyncio.run(select(_Silent(), [root], LOCAL_ADMINISTRATOR, mask))

    refused(Root(selection=Selection(entity="Source"), page=Page()))
    refused(Root(selection=Selection(entity="Place) DETACH DELETE n //"), page=Page()))
    refused(Root(selection=Selection(entity="Asset", fields=("name AS x, n",)), page=Page()))
    refused(Root(selection=Selection(entity="Alert"), page=Page(order=Order.NAME)))
    refused(Root(selection=Selection(entity="Alert"), page=Page(filters=Filters.of(kind=("SENSOR",)))))
    wrong = Nested(alias="x", relation="assets]->() DELETE", selection=Selection(entity="Asset"), page=Page())
    refused(Root(selection=Selection(entity="Place", nested=(wrong,)), page=Page()))
    refused(assets(), (Grant(scope=Scope(name="everything) OR (true")),))
    with pytest.raises(BadRequest):
        Page(first=501)
    with pytest.raises(BadRequest):
        Root(selection=Selection(entity="Asset"), ids=tuple(map(str, range(501))))


class _Silent:
    async def read(self, statement: str, parameters: Mapping[str, object]) -> list[dict[str, object]]:
        raise AssertionError("nothing should have been asked")


def test_a_list_says_where_in_the_log_it_was_read(engine: Engine) -> None:
    engine.load(a_park(), position=42)
    assert read(engine, assets())[0].position == 42
