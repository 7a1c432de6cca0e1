"""A row of a stock list as the claim of a lot: which column is which field, what its cells mean, whose it is."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Self, TypeVar

from pydantic import Field, model_validator

from adapters.contract import AdapterConfig, Claim, Identifier, Link, Source, Unreadable, Value
from adapters.inventory import cells, terms
from adapters.inventory.cells import Cell
from hub.units import UnitError, ucum

HUB = "hub"
"""The source under which the park's places and organizations are known."""
ORGANIZATION = "organization:"
"""Before an organization's code, as the hub calls those that people enter."""
Row = Mapping[str, Cell]
T = TypeVar("T")
FIELDS = (
    *("name", "item_code", "quantity", "unit", "lot_number", "gtin"),
    *("expires_at", "sharing", "agreed_quantity", "place", "holder"),
)


class FieldFrom(AdapterConfig):
    """Where a field comes from: `column = "…"`, or `value = "…"` where it is the same for all rows."""

    column: str | None = None
    value: str | float | None = None
    formats: tuple[str, ...] = ()  # of days, as strptime has them, tried before the usual ones
    words: dict[str, str] = Field(default_factory=dict)  # what the cells say → what it means, such as a place's code

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: object) -> object:
        return {"column": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.column is None) == (self.value is None):
            raise ValueError("name a column, or give a value for all rows")
        return self


class LotColumns(AdapterConfig):
    """A column's name, or a table `{ column = …, value = …, formats = […], words = {…} }`."""

    name: FieldFrom  # what the holder calls the item
    quantity: FieldFrom
    unit: FieldFrom | None = None  # none: behind the number, such as 1,200 箱
    item_code: FieldFrom | None = None  # of the reserve standard, where the source knows it
    lot_number: FieldFrom | None = None
    gtin: FieldFrom | None = None
    expires_at: FieldFrom | None = None
    sharing: FieldFrom | None = None  # OWN (the operator's), AGREED, ASK or NOT_SHARED
    agreed_quantity: FieldFrom | None = None
    place: FieldFrom | None = None  # the park's code of the place
    holder: FieldFrom | None = None  # the code of the organization whose it is; none: the source's own

    def columns(self) -> list[str]:
        """The columns that are read, each once."""
        given = (getattr(self, name) for name in FIELDS)
        return list(dict.fromkeys(each.column for each in given if each is not None and each.column is not None))


class Lots:
    """Makes claims of rows. Built once a source: a stock list has many rows."""

    def __init__(self, columns: LotColumns, source: Source) -> None:
        self._source = source
        self._cells = {name: _reader(each) for name in FIELDS if (each := getattr(columns, name)) is not None}
        self._unit_words = _words(columns.unit) if columns.unit else {}
        self._formats = columns.expires_at.formats if columns.expires_at else ()
        self._columns = {name: each.column for name in FIELDS if (each := getattr(columns, name)) is not None}

    def claim(self, row: Row, external_id: str) -> Claim:
        """`external_id` "": the row has no id, so it is known by item, lot and place. Raises Unreadable, which names
        the column."""
        name = self._text(row, "name")
        if name is None:
            raise Unreadable("the item's name is empty; say what it is", where=self._columns["name"] or "name")
        quantity, unit = self._quantity(row)
        values: dict[str, Value] = {"name": name, "quantity": quantity}
        if unit is not None:
            values["unit"] = unit
        for field in ("item_code", "lot_number", "gtin"):
            if (found := self._text(row, field)) is not None:
                values[field] = found
        self._terms(row, values)
        if (read := self._cells.get("expires_at")) is not None:
            values["expires_at"] = self._at("expires_at", lambda: cells.end_of(read(row), self._formats))
        place, holder = self._text(row, "place"), self._text(row, "holder") or self._source.organization
        links = [Link(relation="STORED_IN", target=place, source=HUB)] if place else []
        if holder:
            links.append(Link(relation="OWNED_BY", target=f"{ORGANIZATION}{holder}", source=HUB))
        lot = values.get("lot_number")
        known_by = f"{values.get('gtin') or values.get('item_code') or name}/{lot or ''}/{place or ''}"
        return Claim(
            kind="SupplyLot",
            external_id=external_id or (f"{known_by}/{holder}" if holder else known_by),
            # Without its holder a lot's number is anybody's: two tenants' would be taken for one.
            identifiers=(Identifier(scheme="stock_lot", value=f"{holder}/{known_by}"),) if lot and holder else (),
            values=values,
            links=tuple(links),
        )

    def key(self, row: Row) -> str | None:
        """What a row without an id is known by, as far as it can be read, though the rest of it cannot."""
        try:
            name, lot, place = (self._text(row, field) for field in ("name", "lot_number", "place"))
            item = self._text(row, "gtin") or self._text(row, "item_code") or name
            holder = self._text(row, "holder") or self._source.organization
        except Unreadable:
            return None
        known_by = f"{item}/{lot or ''}/{place or ''}"
        return None if item is None else f"{known_by}/{holder}" if holder else known_by

    def _quantity(self, row: Row) -> tuple[float, str | None]:
        found = self._at("quantity", lambda: cells.amount(self._cells["quantity"](row)))
        if found is None:
            raise self._wrong("quantity", "the quantity is empty; write 0 where there is none left")
        if found.value < 0:
            raise self._wrong("quantity", f"the quantity {found.value:g} is below zero")
        given = self._text(row, "unit")
        unit = None if given is None else self._unit("unit", given)
        if found.rest:
            behind = self._unit("quantity", self._unit_words.get(found.rest.casefold(), found.rest))
            if unit is not None and unit != behind:
                raise self._wrong("quantity", f"the number says {found.rest!r} and the unit's column {given!r}")
            unit = behind
        return found.value, unit

    def _unit(self, field: str, spelling: str) -> str:
        try:
            return _unit(spelling)
        except UnitError as error:
            raise self._wrong(field, f"{error}; or say what it means by `words` of the field unit") from error

    def _terms(self, row: Row, values: dict[str, Value]) -> None:
        if (said := self._text(row, "sharing")) is not None:
            meant = terms.WORDS.get(said.casefold())
            if meant is None:
                raise self._wrong("sharing", f"{said!r} is none of OWN, AGREED, ASK and NOT_SHARED")
            values["sharing"] = str(meant)
        if "agreed_quantity" in self._cells:
            agreed = self._at("agreed_quantity", lambda: cells.amount(self._cells["agreed_quantity"](row)))
            if agreed is not None:
                values["agreed_quantity"] = agreed.value
        if (problem := terms.broken(values, self._source.organization)) is not None:
            raise self._wrong("sharing", problem)

    def _text(self, row: Row, field: str) -> str | None:
        read = self._cells.get(field)
        return None if read is None else self._at(field, lambda: cells.text(read(row)))

    def _at(self, field: str, read: Callable[[], T]) -> T:
        try:
            return read()
        except Unreadable as error:
            raise self._wrong(field, error.reason) from error

    def _wrong(self, field: str, reason: str) -> Unreadable:
        return Unreadable(reason, where=self._columns.get(field) or field)


def as_row(claim: Claim) -> dict[str, Cell]:
    """A lot's claim as the row that it came from would be with the fields' own names."""
    linked = {link.relation: link.target for link in claim.links}
    holder = linked.get("OWNED_BY")
    row: dict[str, Cell] = {name: _plain(claim.values.get(name)) for name in FIELDS if name in claim.values}
    row |= {"place": linked.get("STORED_IN"), "holder": holder and holder.removeprefix(ORGANIZATION)}
    return {name: row.get(name) for name in FIELDS}


def amended(claim: Claim, changes: Mapping[str, str | None], source: Source) -> Claim:
    """The lot's claim with these fields, name → text; it stays known by what it was. Raises Unreadable."""
    row = as_row(claim)
    for name in changes:
        if name not in row:
            raise Unreadable(f"a lot has no field {name!r}; there are {', '.join(row)}")
    own = LotColumns.model_validate({name: name for name in FIELDS})
    given = set(changes)
    if "quantity" in given and "unit" not in given:  # it may stand behind the number; else it stays
        row["unit"] = None
    made = Lots(own, source).claim({**row, **changes}, claim.external_id)
    if row["unit"] is None and "unit" in made.values:
        given.add("unit")
    kept = {name: value for name, value in claim.values.items() if name not in given}
    linked = bool(given & {"place", "holder"})
    return replace(
        claim,
        values=kept | {name: made.values[name] for name in given if name in made.values},
        links=made.links if linked else claim.links,
        identifiers=made.identifiers if linked or "lot_number" in given else claim.identifiers,
    )


def _plain(value: Value) -> Cell:
    return value if isinstance(value, str | int | float | bool | datetime) or value is None else str(value)


def _reader(given: FieldFrom) -> Callable[[Row], Cell]:
    """What the field's cell of a row is, in the words that it means."""
    column, value = given.column, given.value
    if column is None:
        return lambda row: value
    if not given.words:
        return lambda row: row.get(column)
    words = _words(given)

    def translated(row: Row) -> Cell:
        cell = row.get(column)
        said = cells.text(cell)
        return cell if said is None else words.get(said.casefold(), cell)

    return translated


def _words(given: FieldFrom) -> Mapping[str, str]:
    return {said.strip().casefold(): meant for said, meant in given.words.items()}


@lru_cache(maxsize=1000)
def _unit(spelling: str) -> str:
    return ucum(spelling)
