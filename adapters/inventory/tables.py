"""A stock list as rows of cells: CSV as it comes out of Chinese and other programs, and Excel's three formats.

Runs in the child process that `table_child` is, since such a file may be made to exhaust whoever opens it. All that
is wrong with the file as a whole is raised as Unreadable.
"""

import codecs
import csv
import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import python_calamine as calamine

from adapters.contract import Unreadable
from adapters.inventory import workbook

Cells = Sequence[str | int | float | bool | None]
EXCEL = (".xlsx", ".xlsm", ".xls")
CSV = (".csv", ".tsv", ".txt")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHUNK = 1 << 20
_DELIMITERS = ",;\t|"
_LONGEST_FIELD = 1 << 20  # characters
_LOOKED_AT = 20  # lines, for the delimiter


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    rows: int = 200_000  # of one sheet, empty ones among them
    bytes: int = 100_000_000  # of the file


@dataclass(slots=True, kw_only=True)
class Table:
    """`rows` give (number as the program shows it, cells), blank rows left out; `errors`: row number → which of its
    cells hold a formula's error. `notes` say what was left aside."""

    rows: Iterator[tuple[int, Cells]]
    sheet: str = ""
    merged: Sequence[tuple[int, int, int, int]] = ()  # first row, first column, last row, last column, from 0
    errors: Mapping[int, Sequence[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def open_table(file: Path, *, sheet: str | None, limits: Limits, kind: str | None = None) -> Table:
    """`kind`: the ending that the file would have, where its name has none. Raises Unreadable; so does the iteration
    of its rows."""
    size = file.stat().st_size
    if size > limits.bytes:
        raise Unreadable(
            f"the file has {size / 1e6:.0f} MB, and at most {limits.bytes / 1e6:.0f} MB are read (max_bytes): "
            "leave out what is no stock, such as pictures, or split it"
        )
    if size == 0:
        raise Unreadable("the file is empty")
    kind = kind or file.suffix.lower()
    if kind in EXCEL:
        return _excel(file, kind, sheet, limits)
    if kind in CSV:
        return _csv(file, limits)
    raise Unreadable(f"a file {kind or 'without an ending'} is not read; save it as .xlsx or .csv")


def _csv(file: Path, limits: Limits) -> Table:
    encoding = _encoding(file, limits)
    stream = file.open(encoding=encoding, newline="")
    head = "".join(itertools.islice(stream, _LOOKED_AT))
    stream.seek(0)
    csv.field_size_limit(_LONGEST_FIELD)
    delimiter = max(_DELIMITERS, key=lambda one: (head.count(one), -_DELIMITERS.index(one)))
    return Table(rows=_csv_rows(stream, delimiter, limits), notes=[f"read as {encoding}, parted by {delimiter!r}"])


def _csv_rows(stream: io.TextIOWrapper, delimiter: str, limits: Limits) -> Iterator[tuple[int, Cells]]:
    with stream:
        reader = csv.reader(stream, delimiter=delimiter)
        number = 0
        while True:
            try:
                row = next(reader, None)
            except (csv.Error, UnicodeError) as error:
                raise Unreadable(
                    f"row {number + 1} cannot be read: {error}; save the file as CSV UTF-8 anew"
                ) from error
            if row is None:
                return
            number += 1
            if number > limits.rows:
                raise too_long(limits)
            if any(cell and not cell.isspace() for cell in row):
                yield number, row


def _encoding(file: Path, limits: Limits) -> str:
    """By its mark, else UTF-8 where all of it is, else GB 18030 (of which GBK is a part). Raises Unreadable, also for
    a file of too many lines: it is refused before a row of it was taken."""
    with file.open("rb") as stream:
        head = stream.read(4)
        marked = next((encoding for mark, encoding in _BOMS if head.startswith(mark)), None)
        for encoding in (marked,) if marked else ("utf-8", "gb18030"):
            stream.seek(0)
            decoder = codecs.getincrementaldecoder(encoding)()
            lines = 0
            try:
                while chunk := stream.read(_CHUNK):
                    text = decoder.decode(chunk)
                    lines += text.count("\n")
                    if "\x00" in text:
                        raise Unreadable("the file holds NUL characters, as no text does: save it as CSV UTF-8 anew")
                    if lines > limits.rows:
                        raise too_long(limits)
                decoder.decode(b"", final=True)
            except UnicodeError:
                continue
            return encoding
    raise Unreadable("the file is neither UTF-8 nor GBK or GB 18030 text; save it as CSV UTF-8")


def _excel(file: Path, kind: str, sheet: str | None, limits: Limits) -> Table:
    scan = workbook.scan(file, limits.rows) if kind != ".xls" else workbook.Scan()
    try:
        book = calamine.CalamineWorkbook.from_path(str(file))
        name = _sheet(book, sheet)
        found = book.get_sheet_by_name(name)
    except calamine.PasswordError as error:
        raise Unreadable("the file is locked by a password; save it without one") from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise Unreadable(
            f"it is no Excel file that can be read: {error}; open it, and save it anew as .xlsx"
        ) from error
    if found.total_height > limits.rows:
        raise too_long(limits)
    of_sheet = scan.sheets.get(name)
    notes = list(scan.notes)
    if of_sheet is not None and of_sheet.formulas:
        notes.append(f"{of_sheet.formulas} cells hold formulas: the values that Excel saved with them are read")
    return Table(
        rows=_excel_rows(found),
        sheet=name,
        merged=[(*first, *last) for first, last in found.merged_cell_ranges or ()],
        errors=of_sheet.errors if of_sheet is not None else {},
        notes=notes,
    )


def _sheet(book: calamine.CalamineWorkbook, sheet: str | None) -> str:
    """The named one, else the first that is shown and holds cells."""
    names = [
        one.name
        for one in book.sheets_metadata
        if one.typ == calamine.SheetTypeEnum.WorkSheet and one.visible == calamine.SheetVisibleEnum.Visible
    ]
    if sheet is not None:
        if sheet not in book.sheet_names:
            raise Unreadable(f"there is no sheet {sheet!r}; there are {', '.join(map(repr, book.sheet_names))}")
        return sheet
    if not names:
        raise Unreadable("the workbook shows no sheet with cells")
    return names[0] if len(names) == 1 else next((n for n in names if book.get_sheet_by_name(n).height), names[0])


def _excel_rows(sheet: calamine.CalamineSheet) -> Iterator[tuple[int, Cells]]:
    """Row 1 is the sheet's first, whether it holds anything or not."""
    before = [None] * (sheet.start or (0, 0))[1]
    for number, row in enumerate(sheet.iter_rows(), start=1):
        if any(cell not in ("", None) for cell in row):
            yield number, before + [_plain(cell) for cell in row]


def _plain(cell: object) -> str | int | float | bool | None:
    if cell == "" or cell is None:
        return None
    if isinstance(cell, str | int | float | bool):
        return cell
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell) if isinstance(cell, timedelta) else repr(cell)


def too_long(limits: Limits) -> Unreadable:
    return Unreadable(
        f"it has more than {limits.rows} rows, empty ones among them (max_rows): delete what is below the last row of "
        "the list, or split the file"
    )
