"""A look at an Excel file before it is opened: whether it would burst, and what the reader of its cells does not tell.

The reader unpacks a whole sheet at once, so a sheet is first run through piece by piece: its rows counted, its
formulas counted, its cells that show an error noted.
"""

import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters import xml
from adapters.contract import Unreadable

MOST_UNPACKED = 600 << 20
"""Bytes of all parts together."""
_RATIO, _RATIO_FROM = 150, 20 << 20
"""A part that grows more than so many times, and past so many bytes, is a bomb; stock lists grow 5 to 40 times."""
_PIECE = 1 << 20
_OVERLAP = 4096  # bytes that two pieces share, so that no tag is cut
_ROOT = re.compile(rb"<(\w+:)?worksheet")
_ERROR = re.compile(rb'<(?:\w+:)?c [^<>]*\bt="e"[^<>]*>')
_NAME = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_NUMBER = re.compile(rb'\br="(\d{1,9})"')
_MOST_ERRORS = 10_000


@dataclass(slots=True, kw_only=True)
class SheetScan:
    rows: int = 0
    formulas: int = 0
    errors: dict[int, list[str]] = field(default_factory=dict)  # row number → cells, such as C7


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    sheets: Mapping[str, SheetScan] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def scan(file: Path, most_rows: int) -> Scan:
    """Raises Unreadable: no workbook, a bomb, or a sheet of too many rows."""
    try:
        with zipfile.ZipFile(file) as parts:
            _weigh(parts)
            names = _sheets(parts)
            found = {name: _scan_sheet(parts, part, most_rows) for name, part in names.items()}
            macros = any(part.filename.endswith("vbaProject.bin") for part in parts.infolist())
    except (zipfile.BadZipFile, zlib.error, OSError, KeyError, RuntimeError, NotImplementedError, ValueError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(
            f"it is no Excel file that can be read: {error}; open it, and save it anew as .xlsx"
        ) from error
    return Scan(sheets=found, notes=("its macros are left alone, and never run",) if macros else ())


def _weigh(parts: zipfile.ZipFile) -> None:
    total = 0
    for part in parts.infolist():
        total += part.file_size
        if part.file_size > _RATIO_FROM and part.file_size > _RATIO * max(1, part.compress_size):
            times = part.file_size // max(1, part.compress_size)
            raise Unreadable(
                f"its part {part.filename} unpacks to {part.file_size / 1e6:.0f} MB, {times} times its size: that is a "
                "zip bomb, and it is not opened. If it is a true list, save it as CSV UTF-8"
            )
    if total > MOST_UNPACKED:
        raise Unreadable(f"it unpacks to {total / 1e6:.0f} MB, which is too much to read; save it as CSV UTF-8")


def _sheets(parts: zipfile.ZipFile) -> dict[str, str]:
    """Each sheet's name, and the part that holds it."""
    known = set(parts.namelist())
    if "xl/workbook.xml" not in known or "xl/_rels/workbook.xml.rels" not in known:
        return {}
    related = xml.parse(_read(parts, "xl/_rels/workbook.xml.rels"))
    targets = {str(one.get("Id")): str(one.get("Target") or "") for one in xml.children(related, "Relationship")}
    found: dict[str, str] = {}
    book = xml.parse(_read(parts, "xl/workbook.xml"))
    for sheet in (one for group in xml.children(book, "sheets") for one in xml.children(group, "sheet")):
        id_ = next((value for key, value in sheet.attrib.items() if str(key).endswith("}id")), None)
        target = targets.get(str(id_), "")
        part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        if part in known:
            found[str(sheet.get("name") or "")] = part
    return found


def _read(parts: zipfile.ZipFile, name: str) -> bytes:
    with parts.open(name) as stream:
        return stream.read(xml.MOST + 1)


def _scan_sheet(parts: zipfile.ZipFile, name: str, most_rows: int) -> SheetScan:
    """What begins in the overlap of two pieces is counted with the second one."""
    found, carried, prefix = SheetScan(), b"", b""
    with parts.open(name) as stream:
        while True:
            piece = stream.read(_PIECE)
            text = carried + piece
            end = len(text) if not piece else max(0, len(text) - _OVERLAP)
            if not carried and (root := _ROOT.search(text[:_OVERLAP])):
                prefix = root[1] or b""
            # A row that says its number saves counting those before it, which are unpacked even where they are absent.
            last = _last_number(text, b"<" + prefix + b"row ")
            found.rows = max(found.rows, last) if last else found.rows + _tags(text, end, prefix + b"row")
            if found.rows > most_rows:
                raise Unreadable(
                    f"it has more than {most_rows} rows, empty ones among them (max_rows): delete what is below the "
                    "last row of the list, or split the file"
                )
            found.formulas += _tags(text, end, prefix + b"f")
            if b't="e"' in text:
                _note_errors(text, end, found)
            if not piece:
                return found
            carried = text[end:]


def _tags(text: bytes, end: int, name: bytes) -> int:
    """How many elements of this name begin before `end`."""
    return len(re.compile(b"<" + name + b"[ />]").findall(text, 0, end + len(name) + 1))


def _last_number(text: bytes, tag: bytes) -> int:
    """Of the last row, where it says one."""
    at = text.rfind(tag)
    found = None if at < 0 else _NUMBER.search(text[at : at + _OVERLAP].partition(b">")[0])
    return 0 if found is None else int(found[1])


def _note_errors(text: bytes, end: int, found: SheetScan) -> None:
    for cell in _ERROR.finditer(text):
        if cell.start() < end and (at := _NAME.search(cell[0])) and len(found.errors) < _MOST_ERRORS:
            found.errors.setdefault(int(at[2]), []).append((at[1] + at[2]).decode())
