"""Ids that the mask shows as pseudonyms: put in place of the rows' own, once all that needs those was read.

Nothing leads back from a pseudonym: no lookup, filter or page finds by it, and none by the id that it stands for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hub.graph.selection import GRANTS, Root, Row, Selection
from hub.viewer import Mask, Visibility, pseudonymous
from schema.context import Context
from schema.rows import visibility
from schema.showing import rows_of


def with_grants(roots: Sequence[Root], mask: Mask) -> Sequence[Root]:
    """The same roots, which also read what decides about each row's id where that may be a pseudonym."""
    if not any(_any(root.selection, mask) for root in roots):
        return roots
    return [replace(root, selection=_selection(root.selection, mask)) for root in roots]


def put(context: Context, roots: Sequence[Root], found: Sequence[Any], mask: Mask) -> None:
    """Last of all: the audit has noted whose rows they are."""
    for root, result in zip(roots, found, strict=True):
        for row in list(_rows(root.selection, result, mask)):
            if visibility(row, mask, f"{row['__typename']}.id") is Visibility.PSEUDONYM:
                row["id"] = of(context, row["id"])


def of(context: Context, id_: str) -> str:
    return context.services.pseudonyms.of(context.viewer.purpose, id_)


def _selection(selection: Selection, mask: Mask) -> Selection:
    fields = selection.fields
    if pseudonymous(mask, selection.entity) and GRANTS not in fields:
        fields = (*fields, GRANTS)
    nested = tuple(replace(each, selection=_selection(each.selection, mask)) for each in selection.nested)
    return replace(selection, fields=fields, nested=nested)


def _any(selection: Selection, mask: Mask) -> bool:
    return pseudonymous(mask, selection.entity) or any(_any(each.selection, mask) for each in selection.nested)


def _rows(selection: Selection, result: Any, mask: Mask) -> Iterator[Row]:
    here = pseudonymous(mask, selection.entity)
    deeper = [(f"@{each.alias}", each.selection) for each in selection.nested if _any(each.selection, mask)]
    if not here and not deeper:
        return
    for row in rows_of(result):
        if here:
            yield row
        for key, inner in deeper:
            yield from _rows(inner, row[key], mask)
