"""A file that somebody sent as lines of JSON: CSV, Excel or GeoJSON, told apart by its content.

`{"header": [...]}`, then `{"rows": [[number, cells, reason or null], ...]}`, then `{"end": rows}`; or at any time
`{"refused": text}`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from adapters.contract import Unreadable
from adapters.inventory import tables
from adapters.inventory.tables import open_table
from hub.ingest.imports.limits import Limits

_MARKS = {b"PK\x03\x04": ".xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ".xls"}
_FLUSH = 1 << 16  # bytes of cells in one line


class Refused(Exception):
    """The file as a whole cannot be taken; says what to do."""


class Row(NamedTuple):
    """`number` as a spreadsheet counts; a `reason` where the row could not be read at all."""

    number: int
    cells: list[str]
    reason: str | None = None


def rows_of(file: Path, limits: Limits) -> Iterator[Row]:
    """The first row is the header. Raises Refused, and Unreadable as the readers of tables do."""
    begin = _begin(file)
    if _is_map(begin):
        from hub.ingest.imports.geojson import features

        yield from features(file, limits)
        return
    kind = next((kind for mark, kind in _MARKS.items() if begin.startswith(mark)), ".csv")
    table = open_table(file, sheet=None, limits=tables.Limits(rows=limits.rows, bytes=limits.bytes), kind=kind)
    for number, cells in table.rows:
        wrong = table.errors.get(number)
        yield Row(number, [_cell(cell) for cell in cells], f"the cell {wrong[0]} shows an error" if wrong else None)


def _begin(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(1000)


def _is_map(begin: bytes) -> bool:
    return begin.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"


def _cell(cell: str | int | float | bool | None) -> str:
    """As it would be typed: whole numbers without their point, days without their midnight."""
    match cell:
        case str():
            return cell.removesuffix("T00:00:00")
        case bool():
            return "yes" if cell else "no"
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        case _:
            return "" if cell is None else str(cell)


def read(file: Path, limits: Limits) -> Iterator[bytes]:
    """The lines to write, the last one `end` or `refused`."""
    count, size, waiting, header = 0, 0, list[Row](), False
    try:
        for row in rows_of(file, limits):
            if row.reason is None and not any(cell.strip() for cell in row.cells):
                continue
            if len(row.cells) > limits.columns:
                raise Refused(f"row {row.number} has {len(row.cells)} cells; a table has at most {limits.columns}")
            if not header:
                header = True
                yield orjson.dumps({"header": [cell.strip() for cell in row.cells], "map": _is_map(_begin(file))})
                continue
            count += 1
            waiting.append(row)
            size += sum(map(len, row.cells)) + 32
            if size > _FLUSH:
                yield _line(waiting)
                size, waiting = 0, []
        if waiting:
            yield _line(waiting)
        yield orjson.dumps({"end": count})
    except (Refused, Unreadable) as refused:
        yield orjson.dumps({"refused": str(refused)})
    except MemoryError:
        yield orjson.dumps({"refused": "reading the file takes more memory than a table does; save it as CSV"})


def _line(rows: list[Row]) -> bytes:
    try:
        return orjson.dumps({"rows": rows})
    except TypeError:  # half a character: told as what it cannot be, so that the row is refused and not the file
        return orjson.dumps(
            {
                "rows": [
                    (row.number, [cell.encode(errors="replace").decode() for cell in row.cells], row.reason)
                    for row in rows
                ]
            }
        )
