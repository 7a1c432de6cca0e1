"""Rows of tenants' lists that could not be read: what waits, and what a person makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from adapters.contract import Raw, Unreadable, guarded
from adapters.inventory.files import StockFiles
from adapters.inventory.list_rows import Row
from hub.errors import BadRequest, Conflict, NotFound
from hub.ingest.confirmed import source_of
from hub.ingest.imports.desk import Word
from hub.ingest.intake import Intake
from hub.ingest.letters import is_record
from hub.ingest.replay import moment
from hub.ingest.source import SourceSpec
from hub.journal.log import Journal
from hub.journal.records import Appended, HeldDeadLetter, NewEvent
from hub.reserve.items import Catalogue


class AlreadyCorrected(Conflict):
    retry = False


class StillUnreadable(BadRequest):
    """The reason is the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    column: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """`file` and `row` are None, and there are no cells, where what was kept is no row of a list, or its key is
    forgotten."""

    id: int
    source: str
    file: str | None
    row: int | None
    where: str
    reason: str
    cells: Sequence[Cell]
    at: datetime


async def waiting(journal: Journal, source: str, *, after: int, first: int) -> list[Waiting]:
    """The source's rejected rows, the oldest first."""
    held = await journal.dead_letters(source, after=after, limit=first, waiting=True)
    return [_waiting(one) for one in held]


async def letter_of(journal: Journal, number: int) -> HeldDeadLetter:
    """Raises NotFound."""
    found = await journal.dead_letters(after=number - 1, limit=1)
    if not found or found[0].id != number:
        raise NotFound(f"there is no rejected row {number}; rejectedRows lists those that wait")
    return found[0]


async def correct(
    journal: Journal, spec: SourceSpec, held: HeldDeadLetter, changes: Mapping[str, str | None], word: Word
) -> Appended:
    """Stores the row with these cells, column → text, and marks its letter as replayed, in one transaction. Raises
    StillUnreadable, AlreadyCorrected, BadRequest, and Conflict where the key was used for something else."""
    command = word.command(["correct", held.id, sorted(changes.items())], {"letter": held.id})
    try:
        raw = await _decodable(journal, spec, held, changes)
        records = guarded(raw[0].decode)(raw[1])
    except Unreadable as still:
        if held.replayed_at is not None:
            raise AlreadyCorrected(_TWICE) from still
        told = f"{still.where}: {still.reason}" if still.where else still.reason
        raise StillUnreadable(told) from still
    accepted = await Intake(journal, {}, Catalogue(journal)).records(spec, records, moment(held))
    if accepted.draft.dead_letters:
        raise StillUnreadable(accepted.draft.dead_letters[0].reason)
    row = Row.read(raw[1].data)
    stream = f"rejected:{held.id}"
    event = NewEvent(
        type="row.corrected",
        version=1,
        stream=stream,
        expected=await journal.stream_version(stream),
        data={
            "source": spec.id,
            "letter": held.id,
            "file": row.file,
            "row": row.number,
            "columns": sorted(changes),
        },
        actor=word.actor,
    )
    draft = replace(accepted.draft, replayed=held.id, command=command, events=[event])
    appended = await journal.append(draft)
    if appended.repeated and appended.answer is None:  # not a repeat of this word: someone else was quicker
        raise AlreadyCorrected(_TWICE)
    return appended


_TWICE = "the row was corrected before; nothing is left to do"


async def _decodable(
    journal: Journal, spec: SourceSpec, held: HeldDeadLetter, changes: Mapping[str, str | None]
) -> tuple[StockFiles, Raw]:
    """Raises Unreadable, BadRequest."""
    adapter = spec.definition.factory((await source_of(journal, spec))[0], spec.config)
    if not isinstance(adapter, StockFiles):
        raise BadRequest(
            f"{spec.id} reads by {spec.definition.name}, which asks its source anew at each poll and would undo what "
            "is corrected here: mend the row where it comes from"
        )
    if held.data is None:
        raise Unreadable("its bytes were forgotten with their key; put the list there once more")
    raw = Raw(key=held.key, received_at=held.received_at, data=held.data, redelivered=True)
    if is_record(raw):
        raise Unreadable(
            f"it was read, and what it says was refused ({held.reason}), so no cell is to be corrected here: mend it "
            "in the list, and put the list there once more"
        )
    return adapter, adapter.corrected(raw, changes)


def _waiting(held: HeldDeadLetter) -> Waiting:
    row = _row(held)
    cells: Sequence[Cell] = ()
    if row is not None:
        values = [*row.cells, *([None] * (len(row.header) - len(row.cells)))]
        named = zip(row.header, values, strict=False)
        cells = [Cell(column=name, value=None if value is None else str(value)) for name, value in named if name]
    return Waiting(
        id=held.id,
        source=held.source,
        file=row.file if row else None,
        row=row.number if row else None,
        where=held.where,
        reason=held.reason,
        cells=cells,
        at=held.received_at,
    )


def _row(held: HeldDeadLetter) -> Row | None:
    if held.data is None:
        return None
    try:
        return Row.read(held.data)
    except Unreadable:  # what another adapter kept is shown by its place and reason alone
        return None
