"""Notes what is about to be shown: of each type how many rows and which fields, of personal values whose they are."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.access.audit.record import Ledger
from hub.graph.derive import personal_fields
from hub.graph.selection import GRANTS, Found, Root, Row, Selection
from hub.viewer import Mask, hides

PERSONAL: Mapping[str, frozenset[str]] = {
    entity: frozenset(name for of, _, name in (each.partition(".") for each in personal_fields()) if of == entity)
    for entity in {each.partition(".")[0] for each in personal_fields()}
}
"""By kind: its personal fields."""
_MASKED = "****"
_NOTHING: frozenset[str] = frozenset()


def note(ledger: Ledger, roots: Sequence[Root], found: Sequence[Any], mask: Mask) -> None:
    """What these reads found, as it will be shown. Where the ledger withholds, personal values are taken out of the
    rows first."""
    for root, result in zip(roots, found, strict=True):
        _note(ledger, root.selection, rows_of(result), mask)


def personal(ledger: Ledger, entity: str, name: str, id_: str, value: Any) -> Any:
    """A value of any field, as it may be shown: noted where it is personal, None where that is withheld."""
    if value is None or name not in PERSONAL.get(entity, _NOTHING):
        return value
    field = f"{entity}.{name}"
    if ledger.withholding:
        ledger.kept_back(field)
        return None
    ledger.saw(field, id_, in_part=isinstance(value, str) and value.startswith(_MASKED))
    return value


def _note(ledger: Ledger, selection: Selection, rows: Sequence[Row], mask: Mask) -> None:
    if not rows:
        return
    entity = selection.entity
    if selection.fields:
        names = [name for name in selection.fields if name != GRANTS]
        ledger.rows(entity, len(rows), names, [name for name in names if hides(mask, f"{entity}.{name}")])
    for name in PERSONAL.get(entity, _NOTHING).intersection(selection.fields):
        for row in rows:
            row[name] = personal(ledger, entity, name, row["id"], row[name])
    for nested in selection.nested:
        key = f"@{nested.alias}"
        _note(ledger, nested.selection, [each for row in rows for each in _below(row, key)], mask)


def _below(row: Row, key: str) -> Iterable[Row]:
    found = row.get(key)
    return () if found is None else rows_of(found)


def rows_of(result: Any) -> Sequence[Row]:
    """Of a page, of a list, or of one or none."""
    if isinstance(result, Found):
        return result.rows
    if isinstance(result, list):
        return result
    return [] if result is None else [result]
