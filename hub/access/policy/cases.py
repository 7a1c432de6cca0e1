"""A table of cases that says what the policies are meant to allow, readable without knowing Cedar.

CSV with the columns role, purpose, flags, action, field, expected, reason. `flags` are joined by a blank; `expected`
is `nothing`, or a mask and a scope such as `SHOW everything`, several joined by ` + `.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hub.access.policy.explaining import Question, decision, result
from hub.access.policy.load import SCOPES, SHIPPED, Loaded
from hub.access.policy.roles import read
from hub.errors import BadRequest, nearest
from hub.viewer import Action, Visibility

COLUMNS = ("role", "purpose", "flags", "action", "field", "expected", "reason")
_ACTIONS = [action.value for action in Action]
_MASKS = [v.value for v in Visibility if v is not Visibility.HIDE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    line: int
    question: Question
    expected: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    case: Case
    found: str

    @property
    def holds(self) -> bool:
        return self.found == self.case.expected


def cases_file(folder: Path | None) -> Path:
    """The park's own, else the one that ships with the hub."""
    own = folder / "cases.csv" if folder is not None else None
    return own if own is not None and own.exists() else SHIPPED / "cases.csv"


def cases(file: Path) -> list[Case]:
    """Raises BadRequest with file and line for what cannot be read."""
    rows = csv.reader(io.StringIO(read(file).removeprefix("\ufeff"), newline=""))
    header = [cell.strip().lower() for cell in next(rows, [])]
    if missing := [name for name in COLUMNS if name not in header]:
        raise BadRequest(f"{file}:1: the table lacks the column {missing[0]!r}; it has {', '.join(header) or 'none'}")
    found = []
    for row in rows:
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        if any(cells.values()) and not next(iter(row)).startswith("#"):
            found.append(_case(f"{file}:{rows.line_num}", rows.line_num, cells))
    return found


def _case(where: str, line: int, cells: dict[str, str]) -> Case:
    if short := [name for name in COLUMNS if name not in cells]:
        raise BadRequest(f"{where}: the row has no {short[0]!r}; a cell with a comma in it stands in quotes")
    if cells["action"] not in _ACTIONS:
        raise BadRequest(f"{where}: there is no action {cells['action']!r}; {nearest(cells['action'], _ACTIONS)}")
    question = Question(
        role=cells["role"],
        purpose=cells["purpose"] or None,
        flags=frozenset(cells["flags"].split()),
        action=Action(cells["action"]),
        field=cells["field"],
    )
    return Case(line=line, question=question, expected=_expected(where, cells["expected"]), reason=cells["reason"])


def _expected(where: str, given: str) -> str:
    """As `result` writes it, the scopes in its order."""
    if given == "nothing":
        return given
    parts = []
    for part in given.split("+"):
        mask, _, scope = part.strip().partition(" ")
        for word, known in ((mask, _MASKS), (scope.strip(), SCOPES)):
            if word not in known:
                raise BadRequest(
                    f"{where}: expected {given!r}: {word!r} is neither `nothing` nor a mask and a row scope; "
                    f"{nearest(word, known)}"
                )
        parts.append((scope.strip(), mask))
    return " + ".join(f"{mask} {scope}" for scope, mask in sorted(parts))


def outcomes(loaded: Loaded, table: list[Case], file: Path) -> Iterator[Outcome]:
    """Raises BadRequest where a case asks of what is not there."""
    for case in table:
        try:
            _, found = decision(loaded, case.question)
        except BadRequest as error:
            raise BadRequest(f"{file}:{case.line}: {error.message}") from error
        yield Outcome(case=case, found=result(found))
