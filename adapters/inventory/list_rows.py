"""A row of a stock list, and what it becomes by the list's mapping."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import orjson

from adapters.contract import Claim, Raw, Source, Unreadable
from adapters.inventory import cells
from adapters.inventory.drops import Dropped
from adapters.inventory.files_config import ListMapping
from adapters.inventory.headers import Header
from adapters.inventory.lots import Lots
from adapters.inventory.table_reader import Found, ListedRow
from adapters.inventory.tables import Cells

Seen = dict[str, tuple[str, int]]
"""What the rows of one reading are known by → the file and the number of the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """With all that tells a tenant which row of which file it is; `twice`: where the same lot stood before."""

    file: str
    sheet: str
    number: int
    modified: float
    header: tuple[str, ...]
    cells: Cells
    errors: tuple[str, ...] = ()
    twice: str | None = None

    def data(self) -> bytes:
        told = (
            self.file,
            self.sheet,
            self.number,
            self.modified,
            self.header,
            list(self.cells),
            self.errors,
            self.twice,
        )
        return orjson.dumps(dict(zip(_KEYS, told, strict=True)))

    @classmethod
    def read(cls, data: bytes) -> "Row":
        """Raises Unreadable."""
        try:
            told = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"the row is no JSON: {error}") from error
        if not isinstance(told, dict) or set(told) != set(_KEYS):
            raise Unreadable(f"the row is no JSON object of {', '.join(_KEYS)}")
        header, row, errors = told["header"], told["cells"], told["errors"]
        numbers = told["number"], told["modified"]
        plain = (
            isinstance(header, list)
            and isinstance(errors, list)
            and all(
                isinstance(one, str) for one in (*header, *errors, told["file"], told["sheet"], told["twice"] or "")
            )
            and isinstance(row, list)
            and all(one is None or isinstance(one, str | int | float) for one in row)
            and all(isinstance(one, int | float) and 0 <= one < 1e11 for one in numbers)
        )
        if not plain:
            raise Unreadable("the row's JSON does not hold what a row holds")
        return cls(**{**told, "header": tuple(header), "cells": row, "errors": tuple(errors)})


_KEYS = ("file", "sheet", "number", "modified", "header", "cells", "errors", "twice")


def raw_of(row: Row, received_at: datetime) -> Raw:
    sheet = f"#{row.sheet}" if row.sheet else ""
    return Raw(key=f"{row.file}{sheet}!{row.number}"[:200], received_at=received_at, data=row.data())


class ListRows:
    """The rows of lists with one mapping."""

    def __init__(self, mapping: ListMapping, source: Source) -> None:
        self.mapping_json = mapping.model_dump_json()
        self._id = mapping.id
        self._lots = Lots(mapping.columns, source)
        self._columns = [*mapping.columns.columns(), *([mapping.id] if mapping.id else [])]

    def fits(self, header: Header) -> None:
        """Raises Unreadable where a column that is read is gone."""
        if missing := [name for name in self._columns if name not in header.names]:
            have = ", ".join(name for name in header.names if name)
            raise Unreadable(
                f"its column {missing[0]!r} is gone; there are {have}. Ask the tenant for it, or change the mapping"
            )

    def rows(self, file: Dropped, found: Found, page: Sequence[ListedRow], seen: Seen) -> list[Row]:
        return [self.row(file, found, listed, seen) for listed in page]

    def row(self, file: Dropped, found: Found, listed: ListedRow, seen: Seen) -> Row:
        """`seen`: the rows of this reading by what they are known by; the new one is noted there."""
        row = Row(
            file=file.name,
            sheet=found.sheet,
            number=listed.number,
            modified=file.modified,
            header=found.header.names,
            cells=listed.cells,
            errors=listed.errors,
        )
        key = self._key(row)
        if key is None:
            return row
        if (earlier := seen.get(key)) is None:
            seen[key] = row.file, row.number
            return row
        other, number = earlier
        return replace(row, twice=f"row {number}" + (f" of {other}" if other != row.file else ""))

    def claim(self, row: Row) -> Claim:
        """Raises Unreadable."""
        if row.errors:
            raise Unreadable(f"the cell {', '.join(row.errors)} shows an error of its formula; mend it")
        if row.twice is not None:
            told = "the same id stands" if self._id else "the same item, lot and place stand"
            raise Unreadable(f"{told} in {row.twice} already: sum them, or let a column tell the rows apart")
        if len(row.cells) > len(row.header) and any(cell not in (None, "") for cell in row.cells[len(row.header) :]):
            raise Unreadable("the row has more cells than the header; is there a stray comma?")
        named = dict(zip(row.header, row.cells, strict=False))
        external_id = ""
        if self._id is not None:
            external_id = cells.text(named.get(self._id)) or ""
            if not external_id:
                raise Unreadable("the row has no id", where=self._id)
        claim = self._lots.claim(named, external_id)
        return replace(claim, observed_at=datetime.fromtimestamp(row.modified, UTC))

    def named(self, page: Sequence[Row]) -> list[Claim]:
        """The claims; of a row that cannot be read that it is there, as far as it says what it is."""
        claims = []
        for row in page:
            try:
                claims.append(self.claim(row))
            except Unreadable:
                if row.twice is None and (key := self._key(row)) is not None:
                    claims.append(Claim(kind="SupplyLot", external_id=key, named_only=True))
        return claims

    def corrected(self, row: Row, changes: Mapping[str, str | None]) -> Row:
        """The row with these cells, column → text. That it stood twice no longer holds once it is known by something
        else; nor does a formula's error in a cell that was given anew. Raises Unreadable."""
        missing = [name for name in changes if name not in row.header]
        if missing:
            have = ", ".join(name for name in row.header if name)
            raise Unreadable(f"the row has no column {missing[0]!r}; there are {have}")
        cells_ = [*row.cells, *([None] * (len(row.header) - len(row.cells)))]
        columns = {row.header.index(name): value for name, value in changes.items()}
        for at, value in columns.items():
            cells_[at] = value
        from openpyxl.utils import get_column_letter  # here alone: the hub reads no lists, its children do

        letters = {get_column_letter(at + 1) for at in columns}
        errors = tuple(one for one in row.errors if one.rstrip("0123456789") not in letters)
        given = replace(row, cells=cells_, errors=errors)
        return replace(given, twice=None) if self._key(given) != self._key(row) else given

    def _key(self, row: Row) -> str | None:
        named = dict(zip(row.header, row.cells, strict=False))
        if self._id is None:
            return self._lots.key(named)
        try:
            return cells.text(named.get(self._id))
        except Unreadable:
            return None
