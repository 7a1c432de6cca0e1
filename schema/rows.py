"""How resolvers find their values in what was read: rows are plain dicts, filled by one read of the graph."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from graphql import GraphQLResolveInfo
from strawberry import Parent
from strawberry.types import Info

from hub.graph.selection import FIELDS, GRANTS, Row
from hub.viewer import Mask, Visibility, least_restrictive
from schema.context import Context

Asked = Info[Context, None]
R = TypeVar("R", bound=Callable[..., Any])
SNAPSHOT = "@snapshot"
KEPT = "kept"
"""Marks a resolver that does no more than `related`: so its value can be taken out of the row without calling it."""


OF_THE_GRAPH = "of the graph"


def of_the_graph(resolver: R) -> R:
    """Marks a resolver whose value hangs on the graph, the policies and its arguments alone: not on the clock, on
    readings, on how sources fare, on who it is that asks. An answer of such fields alone may be kept while the graph
    stands; one field without the mark, and it is made anew each time."""
    vars(resolver)[OF_THE_GRAPH] = True
    return resolver


def pick(source: Any, name: str) -> object:
    """The default resolver: a row's field by name, an object's attribute otherwise."""
    return source[name] if source.__class__ is dict else getattr(source, name)


def is_row_of(entity: str) -> Any:
    """What tells GraphQL which object type an interface's or a union's row is."""

    def is_type_of(row: Any, info: GraphQLResolveInfo[Any]) -> bool:
        return row.__class__ is dict and row.get("__typename") == entity

    return is_type_of


def related(row: Parent[Row], info: Asked) -> Any:
    """A relation's rows, as the read filled them in; a snapshot's are read once the graph has caught up."""
    key = f"@{info.path.key}"
    return row[key] if key in row else _deeper(row, info, key)


vars(related)[KEPT] = True
of_the_graph(related)


def side(row: Parent[Row], info: Asked, *kinds: str) -> Row | None:
    """The row as its side of the field at hand sees it, where it is of one of the kinds that have it: what was
    selected there stands in the row under the field's own key."""
    if row["kind"] not in kinds:
        return None
    prefix = f"@{info.path.key}/"
    return row | {f"@{key.removeprefix(prefix)}": value for key, value in row.items() if key.startswith(prefix)}


def watched(row: Row, info: Asked, first: int) -> list[Row]:
    """What an asset monitors: places, then assets."""
    key = f"@{info.path.key}"
    return [each for relation in ("monitors_places", "monitors_assets") for each in row[f"{key}/{relation}"].rows][
        :first
    ]


@of_the_graph
def subject(row: Parent[Row], info: Asked) -> Any:
    """What an alert is about: by its snapshot, or by the asset or place that it concerns in the graph."""
    if SNAPSHOT in row:
        return row["@subject"]
    key = f"@{info.path.key}"
    return row[f"{key}/asset"] or row[f"{key}/subject_place"]


@of_the_graph
def place_path(row: Parent[Row], info: Asked) -> Any:
    """An alert's places, the nearest first."""
    return row["@path"] if SNAPSHOT in row else row[f"@{info.path.key}"]


def _deeper(row: Row, info: Asked, key: str) -> Awaitable[Any]:
    from schema.reading import deeper

    return deeper(row, info, key)


def visibility(row: Row, mask: Mask, name: str) -> Visibility:
    """How `Type.field` of this row is shown: under the grants that hold the row, as its read found them."""
    found = Visibility.HIDE
    for grant, holds in zip(mask, row[GRANTS], strict=True):
        if holds:
            found = least_restrictive(found, grant.visibility(name))
    return found


def masked(entity: str, name: str, value: Any, shown: Visibility) -> Any:
    """A field's value as far as it is shown; what is no free text cannot be shown in part."""
    if value is None or shown is Visibility.SHOW:
        return value
    if shown is Visibility.HIDE or not FIELDS[entity][name].text:
        return None
    text = str(value)
    return "****" + text[-4:] if shown is Visibility.MASK_LAST4 and len(text) > 4 else "****"
