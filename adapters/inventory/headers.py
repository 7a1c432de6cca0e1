"""Where the header of a stock list stands, and which field each of its columns most likely is.

What is found here is a proposal: a person confirms it once, and it then stands for every file with the same header.
"""

import hashlib
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from adapters.contract import Unreadable
from adapters.inventory.tables import Cells

LOOKED_AT = 30
"""Rows in which the header is looked for: titles, the list's date and its author stand above it."""
_PARTS = "/"  # between a merged heading and what stands below it
_AT_LEAST = 2  # fields that a header must name to be taken for one


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """`row`: the number of its last row, after which the list begins; `names`: of the columns, "" for one without."""

    row: int
    names: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """The same for all files whose columns are called alike, in the same order."""
        text = "\x1f".join(plain(name) for name in self.names).rstrip("\x1f")
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def duplicate(self) -> str | None:
        """A name that stands over two columns, and where."""
        for at, name in enumerate(self.names):
            if name and name in self.names[:at]:
                return f"{name} (columns {letters(self.names.index(name))} and {letters(at)})"
        return None


@cache
def synonyms() -> Mapping[str, str]:
    """Plain name → field."""
    with Path(__file__).with_name("headers.toml").open("rb") as stream:
        given: Mapping[str, Sequence[str]] = tomllib.load(stream)
    return {plain(name): field for field, names in given.items() for name in names}


def plain(name: str) -> str:
    """In lower case, without blanks, punctuation and what stands in brackets (`数量（个）` is 数量)."""
    text = unicodedata.normalize("NFKC", name).casefold()
    before, bracket, _ = text.partition("(")
    return "".join(c for c in (before if bracket and before.strip() else text) if c.isalnum())


def field_of(name: str) -> str | None:
    """The field that a column of this name is; of a merged heading the lower part decides, then the whole."""
    known = synonyms()
    for tried in (name, name.rpartition(_PARTS)[2], name.partition(_PARTS)[0]):
        if (found := known.get(plain(tried))) is not None:
            return found
    return None


def find(rows: Iterable[tuple[int, Cells]], merged: Sequence[tuple[int, int, int, int]]) -> Header:
    """Of the first rows the one that names most fields, with the row below it where that parts a merged heading.
    Raises Unreadable."""
    looked_at = [(number, row) for number, row in rows]
    best, score = None, 0
    for at, (_, row) in enumerate(looked_at):
        fields = {field for cell in row if isinstance(cell, str) and (field := field_of(cell)) is not None}
        if len(fields) > score:
            best, score = at, len(fields)
    if best is None or score < _AT_LEAST:
        raise Unreadable(
            f"none of its first {len(looked_at)} rows names the columns; put one above the list that does, such as "
            "物资名称, 数量, 单位, 批号, 有效期至, 存放地点 (item, quantity, unit, lot number, expires, place)"
        )
    number, row = looked_at[best]
    names = _texts(row)
    if best + 1 < len(looked_at) and looked_at[best + 1][0] == number + 1:
        below = looked_at[best + 1][1]
        if _parts_a_heading(names, below, number, merged):
            return Header(row=number + 1, names=_joined(names, _texts(below)))
    if best > 0 and looked_at[best - 1][0] == number - 1:
        above = looked_at[best - 1][1]
        if _parts_a_heading(_texts(above), row, number - 1, merged):
            return Header(row=number, names=_joined(_texts(above), names))
    return Header(row=number, names=names)


def propose(header: Header) -> dict[str, str]:
    """Field → column's name; of two columns for one field the first."""
    found: dict[str, str] = {}
    for name in header.names:
        if name and (field := field_of(name)) is not None:
            found.setdefault(field, name)
    return found


def letters(column: int) -> str:
    """A column as a spreadsheet names it; 0 is A."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def _texts(row: Cells) -> tuple[str, ...]:
    return tuple("" if cell is None else " ".join(str(cell).split()) for cell in row)


def _parts_a_heading(
    above: Sequence[str], below: Cells, number: int, merged: Sequence[tuple[int, int, int, int]]
) -> bool:
    """Whether the two rows are one header: cells of the upper one are merged, or it has gaps over names of fields."""
    if any(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in below):
        return False
    named = [at for at, cell in enumerate(below) if isinstance(cell, str) and field_of(cell) is not None]
    if not named:
        return False
    if any(first <= number - 1 <= last and left != right for first, left, last, right in merged):
        return True
    gaps = [at for at in named if at > 0 and (at >= len(above) or not above[at])]
    return bool(gaps) and sum(1 for name in above if name) > 1


def _joined(above: Sequence[str], below: Sequence[str]) -> tuple[str, ...]:
    """A heading goes on to the right until the next one, as far as there are names below it."""
    names, heading = [], ""
    for at in range(max(len(above), len(below))):
        upper = above[at] if at < len(above) else ""
        lower = below[at] if at < len(below) else ""
        if upper:
            heading = upper
        names.append(f"{heading}{_PARTS}{lower}" if heading and lower else lower or upper)
    return tuple(names)
