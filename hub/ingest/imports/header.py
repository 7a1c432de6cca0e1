"""Which column of a file is which, by its header in English or Chinese."""

import re
import unicodedata
from collections.abc import Sequence

from hub.errors import BadRequest, nearest
from hub.ingest.imports.kind import Column, Kind

_DECORATION = re.compile(r"[(\[【].*?[)\]】]|[*\s_\-:]")


def columns_of(kind: Kind, header: Sequence[str], *, lenient: bool = False) -> list[Column | None]:
    """The column of each header cell, None for an empty one; `lenient`, as for GeoJSON, also for an unknown one.
    Raises BadRequest."""
    known = {_plain(word): column for column in kind.all_columns for word in (column.name, column.zh, *column.also)}
    found: list[Column | None] = []
    for cell in header:
        column = known.get(_plain(cell))
        if column is None and _plain(cell) and not lenient:
            names = [name for each in kind.all_columns for name in (each.name, each.zh)]
            raise BadRequest(f"the header has a column {cell[:60]!r} that is not known; {nearest(cell, names)}")
        if column is not None and column in found:
            if not lenient:
                raise BadRequest(f"the header names the column {column.name} twice")
            column = None
        found.append(column)
    if missing := [f"{each.name} ({each.zh})" for each in kind.columns if each.due and each not in found]:
        names_of = ", ".join(f"{each.name} ({each.zh})" for each in kind.all_columns)
        raise BadRequest(f"the header lacks {' and '.join(missing)}; known: {names_of}")
    return found


def _plain(text: str) -> str:
    """Without case, spaces, the mark of a due column, and what stands in brackets, such as a unit."""
    return _DECORATION.sub("", unicodedata.normalize("NFKC", text).lower())
