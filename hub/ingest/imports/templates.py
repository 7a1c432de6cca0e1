"""An example of each kind of table, as a file to fill in: CSV or Excel, with Chinese or English headers."""

import csv
import io
from typing import Literal

from hub.ingest.imports.kind import Kind

Language = Literal["zh", "en"]


def rows(kind: Kind, language: Language) -> list[list[str]]:
    """The header, then the examples; columns that no example fills, and that a person could not, are left out."""
    shown = [at for at, column in enumerate(kind.columns) if column.name != "boundary"]
    header = [kind.columns[at].zh if language == "zh" else kind.columns[at].name for at in shown]
    return [header, *([row[at] for at in shown] for row in kind.examples[language])]


def as_csv(kind: Kind, language: Language) -> bytes:
    """UTF-8 with a byte-order mark, by which a spreadsheet knows that it is."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows(kind, language))
    return out.getvalue().encode("utf-8-sig")


def as_workbook(kind: Kind, language: Language) -> bytes:
    """With a second sheet that says what each column holds."""
    import openpyxl  # here alone: it is 5 MB that a hub seldom needs
    from openpyxl.styles import Font

    book = openpyxl.Workbook()
    first = book.active
    first.title = kind.title_zh if language == "zh" else kind.name
    for row in rows(kind, language):
        first.append(row)
    help_ = book.create_sheet("说明" if language == "zh" else "columns")
    for column in kind.all_columns:
        name = column.zh if language == "zh" else column.name
        help_.append([f"{name} *" if column.due else name, column.meaning])
    for sheet in (first, help_):
        for each in sheet[1] if sheet is first else [row[0] for row in sheet.iter_rows(max_col=1)]:
            each.font = Font(bold=True)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
