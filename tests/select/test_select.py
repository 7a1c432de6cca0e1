"""Any selection, read by one statement on either engine, answers what plain Python over the same park answers."""

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import BadRequest, Forbidden
from hub.graph.select import select
from hub.graph.selection import Filters, Found, Key, Nested, Order, Page, Root, Selection
from hub.viewer import EVERYTHING, LOCAL_ADMINISTRATOR, SHOW_ALL, Grant, Mask, Scope, Visibility
from tests.select import parks
from tests.select.engine import Engine
from tests.select.reference import Park, answer, plain

SLOW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def read(engine: Engine, *roots: Root, mask: Mask = SHOW_ALL) -> list[Any]:
    return engine.run(select(engine.store, roots, LOCAL_ADMINISTRATOR, mask))


def _ordered(results: Sequence[Any], roots: Sequence[Root]) -> list[Any]:
    """Rows of ids come in no order of their own."""
    return [
        sorted(result, key=lambda row: row["id"]) if root.ids is not None else result
        for result, root in zip(results, roots, strict=True)
    ]


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
