"""Personal values in clear: what the graph holds sealed is unsealed after the read, for what the mask shows."""

from collections.abc import Iterator, Sequence
from typing import Any

from hub.graph.rows import standing_values
from hub.graph.selection import FIELDS, Root, Row, Selection
from hub.viewer import Visibility
from schema.rows import Asked, masked
from schema.showing import rows_of

_SEALED = {entity: tuple(name for name, of in fields.items() if of.sealed) for entity, fields in FIELDS.items()}
_MASK = "****"


async def unsealed(info: Asked, roots: Sequence[Root], found: Sequence[Any]) -> None:
    """Puts clear text where the rows have sealed one; the keys of all are asked for together. What the mask hides or
    hides whole is not unsealed; a value whose key was forgotten is null."""
    rows = [
        (row, names)
        for root, result in zip(roots, found, strict=True)
        for row, names in _sealed(root.selection, result)
        if any(_is_sealed(row[name]) for name in names)
    ]
    if not rows:
        return
    services = info.context.services
    claims = info.context.loaders.claims(services.journal, personal=True)
    held = await claims.load_many([row["id"] for row, _ in rows])
    for (row, names), of_row in zip(rows, held, strict=True):
        entity = row["__typename"]
        clear = standing_values(entity, of_row, services.precedence, names)
        for name in names:
            if _is_sealed(row[name]):
                shown = Visibility.MASK_LAST4 if row[name].startswith(_MASK) else Visibility.SHOW
                row[name] = masked(entity, name, clear.get(name), shown)


def _is_sealed(text: str | None) -> bool:
    return text is not None and text != _MASK


def _sealed(selection: Selection, result: Any) -> Iterator[tuple[Row, tuple[str, ...]]]:
    """The rows that sealed fields were selected of, with these, wherever they are in the result."""
    names = tuple(name for name in _SEALED[selection.entity] if name in selection.fields)
    deeper = [(f"@{nested.alias}", nested.selection) for nested in selection.nested if _any(nested.selection)]
    if not names and not deeper:
        return
    for row in rows_of(result):
        if names:
            yield row, names
        for key, inner in deeper:
            yield from _sealed(inner, row[key])


def _any(selection: Selection) -> bool:
    return any(name in selection.fields for name in _SEALED[selection.entity]) or any(
        _any(nested.selection) for nested in selection.nested
    )
