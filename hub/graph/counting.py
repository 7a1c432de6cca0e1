"""Counts a kind's rows by what they have in common: one statement a count, of what the viewer may see alone.

Groups that are too small to be told are counted together, and so are as many more of the smallest as it takes for
that sum not to tell of a small group either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from hub.errors import BadRequest
from hub.graph import fragments
from hub.graph.fragments import Many, fill
from hub.graph.grants import GrantShape
from hub.graph.kinds import KINDS
from hub.graph.plan import PageShape, SelectionShape, Walk, Writer, begin
from hub.graph.select import Reader, Splitter
from hub.graph.selection import Filters, Order
from hub.viewer import Mask, Viewer

MOST_KEYS = 3
MOST_GROUPS = 1000
"""The largest groups that are told; the rest are counted together."""
SMALLEST_GROUP = 1
"""No caller can ask for groups smaller than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A group: by each key its value, an id where the key leads to another row; how many rows."""

    values: tuple[Any, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The groups, the largest first; `other` is what they leave of `total`."""

    groups: Sequence[Counted]
    other: int
    total: int


class _Shape(NamedTuple):
    grants: tuple[GrantShape, ...]
    entity: str
    keys: tuple[str, ...]
    filters: tuple[tuple[str, str], ...]
    include_retired: bool


async def count(
    store: Reader, entity: str, keys: Sequence[str], filters: Filters, smallest: int, viewer: Viewer, mask: Mask
) -> Counts:
    """Raises BadRequest for keys that the kind is not counted by, Forbidden for a key or a filter by what a grant
    masks, GraphUnavailable."""
    kind, splitter = KINDS[entity], Splitter(viewer, mask)
    keys = tuple(dict.fromkeys(keys))
    if not 1 <= len(keys) <= MOST_KEYS:
        raise BadRequest(f"counted by {len(keys)} keys: name 1 to {MOST_KEYS}")
    for key in keys:
        if key not in kind.groups:
            raise BadRequest(f"{entity} is not counted by {key}")
        splitter.must_show(kind, kind.groups[key].tells)
    grants = tuple(splitter.grant(grant) for grant in mask)
    shape = _Shape(grants, entity, keys, splitter.filters(filters, entity), filters.include_retired)
    (record,) = await store.read(_statement(shape), splitter.parameters)
    found: Any = record["groups"]
    groups = [Counted(values=tuple(values), count=number) for *values, number in found]
    return merged(groups, max(smallest, SMALLEST_GROUP))


def merged(groups: Sequence[Counted], smallest: int) -> Counts:
    """The groups of at least `smallest` rows; what is merged is none, or at least as many rows, or all there are."""
    ordered = sorted(groups, key=lambda group: (-group.count, [str(value) for value in group.values]))
    total = sum(group.count for group in ordered)
    told = [group for group in ordered if group.count >= smallest][:MOST_GROUPS]
    other = total - sum(group.count for group in told)
    while told and 0 < other < smallest:
        other += told.pop().count
    return Counts(groups=told, other=other, total=total)


@lru_cache(maxsize=256)
def _statement(shape: _Shape) -> str:
    writer, kind = Writer(shape.grants), KINDS[shape.entity]
    here = writer.variable()
    began = begin(shape.entity, here, shape.filters)
    walk = Walk(
        match=began.match,
        there=here,
        imported=(),
        shown="true",
        many=Many.PAGE,
        page=PageShape("", None, Order.ID, began.filters, rows=False, total=True),
        include_retired=shape.include_retired,
        selection=SelectionShape(shape.entity, (), ()),
        distinct=began.distinct,
    )
    lines = [walk.matched(), *walk.once(), *writer.scope(here, shape.entity, ())[0], f"WITH {here}"]
    columns = list[str]()
    for key in shape.keys:
        group, column = kind.groups[key], f"key{len(columns)}"
        if group.match:
            there = writer.variable()
            where = [fill(fragments.LIVING, here=there), *_visible(shape.grants, group.target, there)]
            lines.append(
                f"OPTIONAL MATCH {fill(group.match, here=here, there=there)} WHERE "
                + " AND ".join(f"({each})" for each in where)
            )
            value = f"min({there}.id)"  # of those, should a source contradict itself
        else:
            value = fill(group.value, here=here)
        lines.append(f"WITH {', '.join([here, *columns, f'{value} AS {column}'])}")
        columns.append(column)
    lines.append(f"WITH {', '.join(columns)}, count({here}) AS number")
    lines.append(f"RETURN collect([{', '.join(columns)}, number]) AS groups")
    return "\n".join(lines)


def _visible(grants: Sequence[GrantShape], entity: str, there: str) -> list[str]:
    held = [grant.holds(entity, there) for grant in grants]
    return [] if "true" in held else [" OR ".join(f"({each})" for each in held if each != "false") or "false"]
