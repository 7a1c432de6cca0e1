"""How commands show what they found: tables for people, JSON lines for programs."""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.control import Line

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?\+00:00")
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which keys of a result's `rows` stand under which headings, and the words where there are none. Of more than
    `most` rows of one `what` the first are shown: nobody reads ten thousand."""

    columns: Mapping[str, str]
    none: str
    most: int | None = None


PLAIN = Columns(columns={}, none="")
SOURCES = Columns(
    columns={
        "id": "source",
        "adapter": "adapter",
        "state": "state",
        "lag": "lag s",
        "last_batch_at": "last batch",
        "records": "records",
        "dead_letters": "dead letters",
        "text": "what to do",
    },
    none="The park file names no source.",
)
DEAD_LETTERS = Columns(
    columns={
        "id": "number",
        "source": "source",
        "received_at": "received",
        "key": "from",
        "where": "where",
        "reason": "reason",
        "replayed_at": "replayed",
    },
    none="No dead letters.",
)
WEBHOOKS = Columns(
    columns={
        "name": "webhook",
        "url": "to",
        "kinds": "kinds",
        "role": "role",
        "behind": "entries behind",
        "dead_letters": "dead letters",
        "state": "state",
    },
    none="The park file names no webhook.",
)
ATTEMPTS = Columns(
    columns={
        "webhook": "webhook",
        "at": "at",
        "type": "type",
        "outcome": "outcome",
        "status": "status",
        "milliseconds": "ms",
        "reason": "reason",
    },
    none="Nothing was sent yet.",
)
UNDELIVERED = Columns(
    columns={"id": "number", "webhook": "webhook", "type": "type", "at": "given up", "reason": "reason"},
    none="No dead letters.",
)
RETRIED = Columns(columns={"id": "number", "type": "type", "outcome": "outcome"}, none="No dead letters.")
PREVIEW = Columns(
    columns={"what": "what", "row": "row", "code": "code", "detail": "detail"},
    none="Nothing would change.",
    most=20,
)
UNMAPPED = Columns(
    columns={"text": "name", "lots": "lots", "sources": "sources", "proposed": "most like"},
    none="Every lot has a code.",
)
LISTS = Columns(columns={"file": "list", "what": "what", "row": "row", "detail": "detail"}, none="There is no list.")
MATCHES = Columns(
    columns={"id": "match", "reason": "reason", "evidence": "by", "left": "one", "right": "other"},
    none="Nothing waits for a word.",
)
RULES = Columns(
    columns={
        "id": "rule",
        "effect": "effect",
        "mask": "mask",
        "scope": "rows",
        "where": "where",
        "zh": "为何",
        "en": "why",
    },
    none="There is no rule.",
)
CASES = Columns(
    columns={
        "line": "line",
        "role": "role",
        "field": "field",
        "expected": "expected",
        "found": "found",
        "reason": "reason",
    },
    none="",
)
ACCESSES = Columns(
    columns={
        "at": "at",
        "subject": "who",
        "issuer": "by",
        "roles": "roles",
        "purpose": "purpose",
        "over": "over",
        "operation": "operation",
        "shown": "shown",
        "masked": "in part",
    },
    none="Nothing of the kind is recorded.",
)
SEERS = Columns(
    columns={
        "subject": "who",
        "issuer": "by",
        "roles": "roles",
        "purpose": "purpose",
        "shown": "shown",
        "masked": "in part",
        "answers": "answers",
        "first": "first",
        "last": "last",
    },
    none="Nothing personal of them was shown.",
)
CODES = Columns(columns={"code": "code"}, none="")
BROKEN = Columns(columns={"chain": "chain", "entry": "entry", "what": "what", "text": "text"}, none="")
USERS = Columns(
    columns={
        "name": "name",
        "roles": "roles",
        "organization": "organization",
        "person": "person",
        "second_factor": "second factor",
        "enabled": "enabled",
        "id": "subject",
    },
    none="There are no accounts; causeway users add makes one.",
)
CLIENTS = Columns(
    columns={
        "id": "client",
        "name": "name",
        "kind": "kind",
        "grants": "grants",
        "scopes": "scopes",
        "redirect_uris": "redirect URIs",
        "roles": "roles",
        "organization": "organization",
    },
    none="There are no clients; causeway clients add registers one.",
)
FOOTPRINT = Columns(
    columns={
        "source": "source",
        "external_id": "its name for it",
        "kind": "kind",
        "personal": "personal values",
        "state": "state",
    },
    none="Nothing is held.",
)
REPLAY = Columns(columns={"difference": "difference"}, none="")
STILL_UNREADABLE = Columns(columns={"id": "number", "reason": "reason"}, none="")


def lines(found: Iterable[Line], columns: Columns, *, json: bool) -> Mapping[str, Any]:
    """Prints progress as it comes and the result at the end; returns the result."""
    result: Mapping[str, Any] = {}
    for line in found:
        if json:
            print(orjson.dumps(line, default=str).decode())
        elif "progress" in line:
            out.print(Text(str(line["progress"]), style="dim"))
        if isinstance(given := line.get("result"), Mapping):
            result = given
    if not json:
        _print(result, columns)
    return result


def _print(result: Mapping[str, Any], columns: Columns) -> None:
    rows = result.get("rows")
    if isinstance(rows, Sequence):
        _table(rows, columns)
    for key, value in result.items():
        if key != "rows":
            out.print(f"{key.replace('_', ' ')}: {value}", markup=False)


def _table(rows: Sequence[Mapping[str, Any]], columns: Columns) -> None:
    if not rows:
        if columns.none:
            out.print(columns.none)
        return
    table = Table(box=None, pad_edge=False)
    for heading in columns.columns.values():
        table.add_column(heading, overflow="fold")
    seen = Counter[object]()
    for row in rows:
        seen[row.get("what")] += 1
        if columns.most is None or seen[row.get("what")] <= columns.most:
            table.add_row(*(Text(_cell(row.get(key))) for key in columns.columns))
    out.print(table)
    for what, count in seen.items():
        if columns.most is not None and count > columns.most:
            out.print(f"… and {count - columns.most:,} more that are {what}; --json prints every one", markup=False)


def _cell(value: object) -> str:
    """Moments to the second: a table is for a person."""
    return "" if value is None else _MOMENT.sub(r"\1Z", str(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that `causeway check` looked at."""

    what: str
    ok: bool
    text: str


def findings(found: Sequence[Finding], *, json: bool) -> None:
    for finding in found:
        if json:
            print(orjson.dumps(asdict(finding)).decode())
        else:
            mark = "[green]ok  [/green]" if finding.ok else "[red]MEND[/red]"
            out.print(mark, finding.what, end=": ")
            out.print(finding.text, markup=False)


def adapters(rows: Sequence[Mapping[str, Any]], *, json: bool) -> None:
    if json:
        for row in rows:
            print(orjson.dumps(row, default=str).decode())
        return
    _table(rows, Columns(columns={"name": "name", "version": "version", "summary": "reads"}, none="No adapters."))


def restored(summary: Mapping[str, object], file: Path) -> None:
    for key, value in summary.items():
        out.print(f"{key.replace('_', ' ')}: {value}", markup=False)
    out.print(f"Now: causeway serve --config {file}", markup=False)
