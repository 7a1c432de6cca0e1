"""A file that somebody sent as lines of JSON: CSV, Excel or GeoJSON, told apart by its content.

`{"header": [...]}`, then `{"rows": [[number, cells, reason or null], ...]}`, then `{"end": rows}`; or at any time
`{"refused": text}`.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import orjson

from hub.ingest.imports.limits import Limits

_FLUSH = 1 << 16  # bytes of cells in one line


class Refused(Exception):
    """The file as a whole cannot be taken; says what to do."""


class Row(NamedTuple):
    """`number` as a spreadsheet counts; a `reason` where the row could not be read at all."""

    number: int
    cells: list[str]
    reason: str | None = None


def rows_of(data: bytes, limits: Limits) -> Iterator[Row]:
    """The first row is the header. Raises Refused."""
    if data[:4] == b"PK\x03\x04":
        return _workbook(data, limits)
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise Refused("the file is an Excel workbook of before 2007, or locked by a password; save it as .xlsx or CSV")
    if _is_map(data):
        from hub.ingest.imports.geojson import features

        return features(data, limits)
    return _text_rows(data, limits)


def _is_map(data: bytes) -> bool:
    return data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"


def _text_rows(data: bytes, limits: Limits) -> Iterator[Row]:
    text = _decoded(data)
    first = text[:10_000].lstrip("\r\n").partition("\n")[0]
    mark = max(",\t;，", key=first.count)  # the first of them where none stands
    number = 0
    try:
        _refuse_too_many(sum(1 for _ in csv.reader(io.StringIO(text, newline=""), delimiter=mark)), limits)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
        for number, cells in enumerate(reader, start=1):
            yield Row(number, cells)
    except csv.Error as error:
        raise Refused(
            f"row {number + 1} is no row of CSV: {error}; look for a quotation mark that is not closed"
        ) from error


def _refuse_too_many(rows: int, limits: Limits) -> None:
    """Before any is told: a refusal comes at once. Empty rows count too."""
    if rows > limits.rows + 1:
        raise Refused(f"the file has more than {limits.rows:,} rows; delete empty ones, or part it into several")


def _decoded(data: bytes) -> str:
    encodings = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("the file is neither UTF-8 nor GB 18030 text; save it as CSV UTF-8")


def _workbook(data: bytes, limits: Limits) -> Iterator[Row]:
    _refuse_bomb(data, limits)
    import python_calamine

    try:
        book = python_calamine.load_workbook(io.BytesIO(data))
        sheet = book.get_sheet_by_index(0)
        _refuse_too_many(sheet.total_height, limits)
        rows = enumerate(sheet.iter_rows(), start=1 + (sheet.start or (0, 0))[0])
        for number, cells in rows:
            yield Row(number, [_cell(cell) for cell in cells])
    except (python_calamine.CalamineError, IndexError, OSError) as error:
        raise Refused(f"the workbook cannot be read: {error}; open it and save it as .xlsx again") from error


def _refuse_bomb(data: bytes, limits: Limits) -> None:
    """By what the archive's directory declares: nothing is unpacked to find out."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(each.file_size for each in archive.infolist())
            files = len(archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise Refused(f"the file is a broken archive and no workbook: {error}") from error
    if unpacked > limits.unpacked_bytes or unpacked > limits.ratio * max(len(data), 10_000) or files > 10_000:
        raise Refused(
            f"the workbook would unpack from {len(data):,} to {unpacked:,} bytes, which no table does; "
            "save the sheet as CSV"
        )


def _cell(value: object) -> str:
    """As it would be typed: whole numbers without their point, times as ISO 8601."""
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime():
            return value.date().isoformat() if value.time() == time.min else value.isoformat(" ", "seconds")
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("seconds")
        case timedelta():
            minutes, seconds = divmod(int(value.total_seconds()), 60)
            return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
        case _:
            return "" if value is None else str(value)


def read(data: bytes, limits: Limits) -> Iterator[bytes]:
    """The lines to write, the last one `end` or `refused`."""
    count, size, waiting, header = 0, 0, list[Row](), False
    try:
        for row in rows_of(data, limits):
            if row.reason is None and not any(cell.strip() for cell in row.cells):
                continue
            if len(row.cells) > limits.columns:
                raise Refused(f"row {row.number} has {len(row.cells)} cells; a table has at most {limits.columns}")
            if not header:
                header = True
                yield orjson.dumps({"header": [cell.strip() for cell in row.cells], "map": _is_map(data)})
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
    except Refused as refused:
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
