"""A tenant's stock list before it counts: what its columns most likely mean, and what each of its rows would become."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from pydantic import ValidationError

from adapters.contract import Unreadable
from adapters.inventory import headers
from adapters.inventory.drops import Dropped
from adapters.inventory.files import StockFiles
from adapters.inventory.files_config import ListMapping
from adapters.inventory.list_rows import ListRows, Row, Seen
from adapters.inventory.lots import FIELDS
from hub.errors import BadRequest, NotFound, nearest
from hub.ingest.confirmed import source_of
from hub.ingest.source import SourceSpec
from hub.journal.log import Journal
from hub.reserve.items import Rules

ADAPTER = "stock_files"
_TOLD = 1000  # rejected rows with their reasons; the rest is counted
_EVERY = 10_000  # rows between two words of progress


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    number: int
    column: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Tally:
    """`accepted` lots have a code, `unmapped` ones wait in the queue; with `rejected` they are the list's rows."""

    accepted: int = 0
    unmapped: int = 0
    rejected: int = 0
    reasons: list[RejectedRow] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.accepted + self.unmapped + self.rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`problem`: why the list as a whole cannot be read. `mapping` is the confirmed one, else what is proposed; None:
    too little was recognised."""

    file: str
    header: headers.Header | None = None
    sheet: str = ""
    notes: tuple[str, ...] = ()
    confirmed: bool = False
    mapping: ListMapping | None = None
    tally: Tally | None = None
    problem: str | None = None


async def look(
    journal: Journal,
    spec: SourceSpec,
    rules: Rules,
    *,
    file: str | None = None,
    changes: Mapping[str, str] | None = None,
    settled: bool = True,
    progress: Callable[[int], None] = lambda rows: None,
) -> Sequence[Look]:
    """At the lists that are the source's stock now, or one of them. `changes`: field (or `id`) → column, "" for none,
    against what is proposed. `settled` False: also a list that was put there just now. Raises BadRequest,
    NotFound, SourceError."""
    source, confirmed = await source_of(journal, spec)
    adapter = spec.definition.factory(source, spec.config)
    if not isinstance(adapter, StockFiles):
        raise BadRequest(f"{spec.id} reads by {spec.definition.name}; only a source of {ADAPTER} has lists")
    async with adapter:
        files = await adapter.listed(settled=settled)
        if file is not None:
            if file not in {one.name for one in files}:
                raise NotFound(f"{file} is not the stock of {spec.id} now; {nearest(file, [f.name for f in files])}")
            files = [one for one in files if one.name == file]
        return [await _look(adapter, one, rules, confirmed(), changes or {}, progress) for one in files]


async def _look(
    adapter: StockFiles,
    file: Dropped,
    rules: Rules,
    confirmed: Mapping[str, str],
    changes: Mapping[str, str],
    progress: Callable[[int], None],
) -> Look:
    try:
        async with adapter.opened(file) as (reader, found):
            stands = adapter.mapping_of(found.header)
            mapping = stands if stands is not None and not changes else _proposed(found.header, changes)
            known = Look(
                file=file.name,
                header=found.header,
                sheet=found.sheet,
                notes=found.notes,
                confirmed=stands is not None and not changes,
                mapping=mapping,
            )
            if mapping is None:
                return known
            rows, tally = adapter.rows_with(mapping), Tally()
            seen: Seen = {}
            rows.fits(found.header)
            async with aclosing(reader.pages()) as pages:
                async for page in pages:
                    before = tally.rows
                    listed = await asyncio.to_thread(rows.rows, file, found, page, seen)
                    await asyncio.to_thread(_count, tally, listed, rows, rules)
                    if tally.rows // _EVERY != before // _EVERY:
                        progress(tally.rows)
            return Look(
                file=known.file,
                header=known.header,
                sheet=known.sheet,
                notes=known.notes,
                confirmed=known.confirmed,
                mapping=mapping,
                tally=tally,
            )
    except Unreadable as error:
        return Look(file=file.name, problem=error.reason)


def _count(tally: Tally, listed: Sequence[Row], rows: ListRows, rules: Rules) -> None:
    for row in listed:
        try:
            lot = rules.applied(rows.claim(row))
        except Unreadable as error:
            tally.rejected += 1
            if len(tally.reasons) < _TOLD:
                tally.reasons.append(RejectedRow(number=row.number, column=error.where, reason=error.reason))
        else:
            if lot.values.get("item_code") is None:
                tally.unmapped += 1
            else:
                tally.accepted += 1


def _proposed(header: headers.Header, changes: Mapping[str, str]) -> ListMapping | None:
    """Raises BadRequest for a change that makes no sense."""
    columns = headers.propose(header)
    for name, column in changes.items():
        if name != "id" and name not in FIELDS:
            raise BadRequest(f"a lot has no field {name!r}; {nearest(name, ['id', *FIELDS])}")
        if column and column not in header.names:
            raise BadRequest(f"the list has no column {column!r}; {nearest(column, [n for n in header.names if n])}")
        columns.pop(name, None)
        if column:
            columns[name] = column
    id_ = columns.pop("id", None)
    try:
        return ListMapping.model_validate({"id": id_, "columns": columns})
    except ValidationError:
        return None
