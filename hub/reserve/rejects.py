"""Rows of tenants' stock that were refused, and claims made of such rows: what waits, and what a person makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from adapters.contract import Claim, Raw, Record, Unreadable, guarded
from adapters.inventory.cells import Cell as Value
from adapters.inventory.files import StockFiles
from adapters.inventory.list_rows import Row
from adapters.inventory.lots import amended, as_row
from adapters.inventory.sql import SqlInventory, row_of
from hub.errors import BadRequest, Conflict, NotFound
from hub.ingest.confirmed import source_of
from hub.ingest.corrected import CORRECTED, VERSION, Corrections, stream
from hub.ingest.imports.desk import Word
from hub.ingest.intake import Intake
from hub.ingest.letters import is_record, record_of
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
    """`file` and `row` are None where what was kept is no row of a list; there are no cells where it is no row of stock
    and no claim of a lot, or its key is forgotten."""

    id: int
    source: str
    file: str | None
    row: int | None
    where: str
    reason: str
    cells: Sequence[Cell]
    at: datetime


async def waiting(journal: Journal, spec: SourceSpec, *, after: int, first: int) -> list[Waiting]:
    """The source's rejected rows, the oldest first; of rows that are read again and again, those that nobody corrected
    yet."""
    corrections, found = Corrections(journal), list[Waiting]()
    while len(found) < first and (
        held := await journal.dead_letters(spec.id, after=after, limit=first - len(found), waiting=True)
    ):
        after = held[-1].id
        for one in held:
            if one.data is None or not await corrections.stands(spec.id, one.data):
                found.append(_waiting(spec, one))
    return found


async def letter_of(journal: Journal, number: int) -> HeldDeadLetter:
    """Raises NotFound."""
    found = await journal.dead_letters(after=number - 1, limit=1)
    if not found or found[0].id != number:
        raise NotFound(f"there is no rejected row {number}; rejectedRows lists those that wait")
    return found[0]


async def correct(
    journal: Journal, spec: SourceSpec, held: HeldDeadLetter, changes: Mapping[str, str | None], word: Word
) -> Appended:
    """Stores the row with these cells, column → text, and marks its letter as replayed, in one transaction. What its
    source says again and again is stood for by it from now on. Raises StillUnreadable, AlreadyCorrected, BadRequest,
    and Conflict where the key was used for something else."""
    command = word.command(["correct", held.id, sorted(changes.items())], {"letter": held.id})
    try:
        row, records = await _mended(journal, spec, held, changes)
    except Unreadable as still:
        if held.replayed_at is not None:
            raise AlreadyCorrected(_TWICE) from still
        told = f"{still.where}: {still.reason}" if still.where else still.reason
        raise StillUnreadable(told) from still
    accepted = await Intake(journal, {}, Catalogue(journal)).records(spec, records, moment(held))
    if accepted.draft.dead_letters:
        raise StillUnreadable(accepted.draft.dead_letters[0].reason)
    name, again = stream(spec.id), row is None and held.data is not None
    for _ in range(_TRIES):
        expected = await journal.stream_version(name)
        stands = again and await Corrections(journal).stands(spec.id, held.data or b"")
        if stands and held.replayed_at is None:  # another letter of the same row was corrected
            raise AlreadyCorrected(_TWICE)
        event = NewEvent(
            type=CORRECTED,
            version=VERSION,
            stream=name,
            expected=expected,
            data={
                "source": spec.id,
                "letter": held.id,
                "file": row.file if row else None,
                "row": row.number if row else None,
                "columns": sorted(changes),
                "lot": accepted.draft.claims[0].external_id if again and accepted.draft.claims else None,
                "standsFor": journal.mark(held.data or b"") if again else None,
            },
            actor=word.actor,
        )
        try:
            appended = await journal.append(replace(accepted.draft, replayed=held.id, command=command, events=[event]))
        except Conflict:
            if await journal.stream_version(name) == expected:
                raise  # it is the key that was used for something else
        else:
            if appended.repeated and appended.answer is None:  # not a repeat of this word: someone else was quicker
                raise AlreadyCorrected(_TWICE)
            return appended
    raise Conflict("others correct rows of this source at the same moment: try again")


_TWICE = "the row was corrected before; nothing is left to do"
_TRIES = 5


async def _mended(
    journal: Journal, spec: SourceSpec, held: HeldDeadLetter, changes: Mapping[str, str | None]
) -> tuple[Row | None, Sequence[Record]]:
    """The row where it is one of a list, and what it becomes. Raises Unreadable, BadRequest."""
    if held.data is None:
        raise Unreadable("its bytes were forgotten with their key; let its source give the row once more")
    raw = Raw(key=held.key, received_at=held.received_at, data=held.data, redelivered=True)
    if is_record(raw):
        record = record_of(raw)
        if not isinstance(record, Claim) or record.kind != "SupplyLot":
            raise BadRequest("only what is said of stock is corrected here: mend this where it comes from")
        return None, [amended(record, changes, spec.source)]
    adapter = spec.definition.factory((await source_of(journal, spec))[0], spec.config)
    if not isinstance(adapter, StockFiles | SqlInventory):
        raise BadRequest(f"{spec.id} reads by {spec.definition.name}, whose rows are mended where they come from")
    given = adapter.corrected(raw, changes)
    return Row.read(given.data) if isinstance(adapter, StockFiles) else None, guarded(adapter.decode)(given)


def _waiting(spec: SourceSpec, held: HeldDeadLetter) -> Waiting:
    row, cells = _cells(spec, held)
    return Waiting(
        id=held.id,
        source=held.source,
        file=row.file if row else None,
        row=row.number if row else None,
        where=held.where,
        reason=held.reason,
        cells=[Cell(column=name, value=None if value is None else str(value)) for name, value in cells if name],
        at=held.received_at,
    )


def _cells(spec: SourceSpec, held: HeldDeadLetter) -> tuple[Row | None, Sequence[tuple[str, Value]]]:
    """What another adapter kept is shown by its place and reason alone."""
    if held.data is None:
        return None, ()
    raw = Raw(key=held.key, received_at=held.received_at, data=held.data)
    try:
        if is_record(raw):
            record = record_of(raw)
            lot = isinstance(record, Claim) and record.kind == "SupplyLot"
            return None, list(as_row(record).items()) if lot and isinstance(record, Claim) else ()
        if spec.definition.factory == SqlInventory:
            return None, list(row_of(held.data).items())
        row = Row.read(held.data)
    except Unreadable:
        return None, ()
    values = [*row.cells, *([None] * (len(row.header) - len(row.cells)))]
    return row, list(zip(row.header, values, strict=False))
