"""Lists that are read by pages, and the arguments that all of them take."""

from typing import Annotated, Generic, TypeVar

import strawberry
from strawberry import Parent

from hub.graph.selection import MAX_FIRST, Found, Row
from schema import cursors
from schema.reading import read_at
from schema.rows import Asked, of_the_graph
from schema.scalars import FeedCursor

T = TypeVar("T")

First = Annotated[int, strawberry.argument(description=f"How many rows at most, from 0 to {MAX_FIRST}.")]
After = Annotated[
    str | None, strawberry.argument(description="Begins after this cursor, taken from a page of the same order.")
]


@of_the_graph
def _start(found: Parent[Found]) -> str | None:
    return cursors.encode(found.rows[0], found.order) if found.rows else None


@of_the_graph
def _end(found: Parent[Found]) -> str | None:
    return cursors.encode(found.rows[-1], found.order) if found.rows else None


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(
        resolver=of_the_graph(lambda root: root.has_next), description="Whether more rows come after this page."
    )
    has_previous_page: bool = strawberry.field(
        resolver=of_the_graph(lambda root: root.has_previous), description="Whether this page began after a cursor."
    )
    start_cursor: str | None = strawberry.field(resolver=_start, description="The first row's cursor.")
    end_cursor: str | None = strawberry.field(
        resolver=_end, description="The last row's cursor: the next page begins after it."
    )


@of_the_graph
def _cursor(edge: Parent[tuple[Row, Found]]) -> str:
    return cursors.encode(edge[0], edge[1].order)


@strawberry.type(description="A row of a list, with its cursor.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(resolver=_cursor, description="Begins a page after this row.")
    node: T = strawberry.field(resolver=of_the_graph(lambda root: root[0]), description="The row itself.")


def _read_at(found: Parent[Found], info: Asked) -> FeedCursor:
    return FeedCursor(read_at(found, info))


@strawberry.type(description="A page of a list, as the viewer may see it.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(  # type: ignore[assignment]
        resolver=of_the_graph(lambda root: [(row, root) for row in root.rows]),
        description="The rows, each with its cursor.",
    )
    nodes: list[T] = strawberry.field(resolver=of_the_graph(lambda root: root.rows), description="The rows alone.")
    page_info: PageInfo = strawberry.field(
        resolver=of_the_graph(lambda root: root), description="Where the page stands in the whole list."
    )
    total_count: int = strawberry.field(
        resolver=of_the_graph(lambda root: root.total), description="How many rows the whole list has for the viewer."
    )
    read_at: FeedCursor = strawberry.field(
        resolver=_read_at,
        description="The log's position that the list was read at: `alerts(after: readAt)` misses nothing since.",
    )
