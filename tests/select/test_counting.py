"""Counts by what rows have in common: what plain Python over the same park counts, and no small group told."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.access.sharing import with_terms
from hub.errors import BadRequest, Forbidden
from hub.graph.counting import Counted, count, merged
from hub.graph.kinds import KINDS
from hub.graph.selection import Filters
from hub.viewer import EVERYTHING, LOCAL_ADMINISTRATOR, SHOW_ALL, Grant, Mask, Visibility
from tests.select import parks
from tests.select.engine import Engine
from tests.select.reference import holders, visible
from tests.select.walks import Park, passes, terms

SLOW = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
COUNTED = sorted(entity for entity, kind in KINDS.items() if kind.groups)
LEADS = {"Asset": "LOCATED_IN", "Alert": "AT", "SupplyLot": "STORED_IN"}


def _value(park: Park, mask: Mask, id_: str, key: str) -> Any:
    node = park.nodes[id_]
    if key == "hour":
        return node["opened_at"][:13] + ":00:00.000000Z"
    if key == "terms":
        return terms(node)
    if key == "holder":
        found = park.out(id_, "OWNED_BY", "Organization")
    elif key in ("place", "building"):
        places = park.out(id_, LEADS[node["entity"]], "Place")
        above = [up for place in places for up in park.up(place) if park.nodes[up]["kind"] == "BUILDING"]
        found = places if key == "place" else above
    else:
        return node.get(key)
    return min((each for each in park.living(found) if holders(park, mask, each)), default=None)


@pytest.mark.timeout(300)  # each example is planned anew
@SLOW
@given(data=st.data())
def test_any_count_is_what_the_park_holds(engine: Engine, data: st.DataObject) -> None:
    park = parks.park_of(data.draw(st.integers(0, 10_000)))
    engine.load(park)
    for _ in range(4):
        mask = data.draw(parks.masks())
        entity = data.draw(st.sampled_from(COUNTED))
        kind = KINDS[entity]
        known = [key for key, group in sorted(kind.groups.items()) if parks.shown(mask, entity, group.tells)]
        if not known:
            continue
        keys = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
        filters = data.draw(parks.pages(entity, mask)).filters
        found = engine.run(count(engine.store, entity, keys, filters, 1, LOCAL_ADMINISTRATOR, with_terms(mask)))
        rows = [id_ for id_, node in park.nodes.items() if node["entity"] == entity]
        seen = visible(park, rows, mask, include_retired=filters.include_retired)
        counted = [id_ for id_ in seen if all(passes(park, id_, *each) for each in filters.conditions.items())]
        expected = Counter(tuple(_value(park, mask, id_, key) for key in keys) for id_ in counted)
        assert {group.values: group.count for group in found.groups} == dict(expected)
        assert (found.other, found.total) == (0, len(counted))


def test_nothing_is_grouped_by_what_is_masked(engine: Engine) -> None:
    masked = (Grant(scope=EVERYTHING, fields={"Asset.kind": Visibility.MASK_ALL}),)
    with pytest.raises(Forbidden, match=r"Asset\.kind"):
        engine.run(count(engine.store, "Asset", ["kind"], Filters(), 1, LOCAL_ADMINISTRATOR, masked))
    for keys in ([], ["name"], ["kind) DETACH DELETE n //"], ["kind", "online", "place", "building"]):
        with pytest.raises(BadRequest):
            engine.run(count(engine.store, "Asset", keys, Filters(), 1, LOCAL_ADMINISTRATOR, SHOW_ALL))
    with pytest.raises(BadRequest):
        engine.run(count(engine.store, "Person", ["name"], Filters(), 1, LOCAL_ADMINISTRATOR, SHOW_ALL))


@given(st.lists(st.integers(1, 30), max_size=12), st.integers(-3, 12))
def test_no_number_tells_of_a_small_group(sizes: list[int], smallest: int) -> None:
    told = merged([Counted(values=(number,), count=size) for number, size in enumerate(sizes)], max(smallest, 1))
    numbers = [group.count for group in told.groups]
    assert sum(numbers) + told.other == told.total == sum(sizes)
    assert all(number >= smallest for number in numbers)
    assert numbers == sorted(numbers, reverse=True)
    assert told.other == 0 or told.other >= smallest or not numbers  # else all there are is one small group
    if all(size >= smallest for size in sizes):
        assert told.other == 0
