"""Lists that are read by pages, the arguments that all of them take, and what they filter by."""

from typing import Annotated, Generic, TypeVar

import strawberry
from strawberry import Parent

from graph_models.entities import AlarmState, AssetKind, PlaceKind, Severity
from hub.graph.selection import MAX_FIRST, Found, Row
from schema import cursors, enums
from schema.reading import read_at
from schema.rows import Asked
from schema.scalars import FeedCursor

T = TypeVar("T")

First = Annotated[int, strawberry.argument(description=f"How many rows at most, from 0 to {MAX_FIRST}.")]
After = Annotated[
    str | None, strawberry.argument(description="Begins after this cursor, taken from a page of the same order.")
]
PlaceOrderBy = Annotated[enums.PlaceOrder, strawberry.argument(description="How the rows are sorted.")]
AssetOrderBy = Annotated[enums.AssetOrder, strawberry.argument(description="How the rows are sorted.")]
AlertOrderBy = Annotated[enums.AlertOrder, strawberry.argument(description="How the rows are sorted.")]

_IDS = "One of these ids; at most 500."
_WITHIN = "In this place or anywhere below it: the place's id."
_SEARCH = "Each word begins a word of the name; Chinese also by pinyin initials."
_RETIRED = "Also what no source tells of any more."


@strawberry.input(description="Which places; all that is given must hold.")
class PlaceFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    kind: list[PlaceKind] | None = strawberry.field(default=None, description="One of these kinds.")
    within: strawberry.ID | None = strawberry.field(default=None, description=_WITHIN)
    search: str | None = strawberry.field(default=None, description=_SEARCH)
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)


@strawberry.input(description="Which assets; all that is given must hold.")
class AssetFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    kind: list[AssetKind] | None = strawberry.field(default=None, description="One of these kinds.")
    within: strawberry.ID | None = strawberry.field(default=None, description=_WITHIN)
    search: str | None = strawberry.field(default=None, description=_SEARCH)
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)


@strawberry.input(description="Which alerts; all that is given must hold.")
class AlertFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    state: list[AlarmState] | None = strawberry.field(default=None, description="In one of these states.")
    severity: list[Severity] | None = strawberry.field(default=None, description="Of one of these severities.")
    within: strawberry.ID | None = strawberry.field(default=None, description=_WITHIN)


WhichPlaces = Annotated[PlaceFilter | None, strawberry.argument(name="filter", description="Which of them.")]
WhichAssets = Annotated[AssetFilter | None, strawberry.argument(name="filter", description="Which of them.")]
WhichAlerts = Annotated[AlertFilter | None, strawberry.argument(name="filter", description="Which of them.")]


def _start(found: Parent[Found]) -> str | None:
    return cursors.encode(found.rows[0], found.order) if found.rows else None


def _end(found: Parent[Found]) -> str | None:
    return cursors.encode(found.rows[-1], found.order) if found.rows else None


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(
        resolver=lambda root: root.has_next, description="Whether more rows come after this page."
    )
    has_previous_page: bool = strawberry.field(
        resolver=lambda root: root.has_previous, description="Whether this page began after a cursor."
    )
    start_cursor: str | None = strawberry.field(resolver=_start, description="The first row's cursor.")
    end_cursor: str | None = strawberry.field(
        resolver=_end, description="The last row's cursor: the next page begins after it."
    )


def _cursor(edge: Parent[tuple[Row, Found]]) -> str:
    return cursors.encode(edge[0], edge[1].order)


@strawberry.type(description="A row of a list, with its cursor.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(resolver=_cursor, description="Begins a page after this row.")
    node: T = strawberry.field(resolver=lambda root: root[0], description="The row itself.")


def _read_at(found: Parent[Found], info: Asked) -> FeedCursor:
    return FeedCursor(read_at(found, info))


@strawberry.type(description="A page of a list, as the viewer may see it.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(  # type: ignore[assignment]
        resolver=lambda root: [(row, root) for row in root.rows], description="The rows, each with its cursor."
    )
    nodes: list[T] = strawberry.field(resolver=lambda root: root.rows, description="The rows alone.")
    page_info: PageInfo = strawberry.field(
        resolver=lambda root: root, description="Where the page stands in the whole list."
    )
    total_count: int = strawberry.field(
        resolver=lambda root: root.total, description="How many rows the whole list has for the viewer."
    )
    read_at: FeedCursor = strawberry.field(
        resolver=_read_at,
        description="The log's position that the list was read at: `alerts(after: readAt)` misses nothing since.",
    )
