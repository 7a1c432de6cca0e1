"""Tenants' lists: brought in by mutation, their columns confirmed, their rejected rows seen and corrected; and names of
stock that have no code."""

from datetime import datetime
from typing import Annotated

import strawberry

from adapters.contract import SourceError
from hub.errors import BadRequest, Code, Conflict, Forbidden, NotFound
from hub.ingest.imports.desk import Word
from hub.ingest.source import SourceSpec
from hub.reserve import items, rejects, uploads
from hub.reserve.lists import Look
from hub.viewer import Action
from schema.problems import (
    EntryConflict,
    RejectedRowAlreadyCorrected,
    RejectedRowNotFound,
    RowStillUnreadable,
    SourceNotFound,
    StockListRefused,
    SupplyItemNotMapped,
)
from schema.rows import Asked
from schema.sight import sees_record, sees_source

PROJECTED_SECONDS = 2.0
"""How long an answer waits for the graph to show what was stored."""
MAX_ROWS = 200
_NO_ID = 2**63

_PROJECTED = "Whether queries show it already; else they will."


@strawberry.type(description="A cell of a rejected row.")
class Cell:
    column: str = strawberry.field(description="As the list's header says it, or the database's table.")
    value: str | None = strawberry.field(description="What stands there; null where nothing does.")


@strawberry.type(description="A row of a source that could not be read and waits for a person.")
class WaitingRow:
    id: strawberry.ID = strawberry.field(description="Its id, for `correctRejectedRow` and for `after`.")
    file: str | None = strawberry.field(description="The list; null where it is no row of one.")
    row: int | None = strawberry.field(description="As a spreadsheet counts, the header being row 1.")
    where: str = strawberry.field(description="File, row and column; or what else its source calls the place.")
    reason: str = strawberry.field(description="What is wrong with it.")
    cells: list[Cell] = strawberry.field(
        description="All that stand in it, or the fields of a lot that was refused; none where it is neither."
    )
    at: datetime = strawberry.field(description="When it was read.")


@strawberry.input(description="What a cell should say.")
class CellInput:
    column: str = strawberry.field(description="As `rejectedRows` says it.")
    value: str | None = strawberry.field(default=None, description="Null for an empty cell.")


@strawberry.input(description="Which column of a list is which field of a lot.")
class ColumnMeaningInput:
    field: str = strawberry.field(description="Such as `name`, `quantity`, `expires_at`; `id` tells rows apart.")
    column: str | None = strawberry.field(default=None, description="Null: no column is.")


@strawberry.type(description="A row of a list that would be rejected.")
class UnreadableRow:
    row: int = strawberry.field(description="As a spreadsheet counts, the header being row 1.")
    column: str = strawberry.field(description="The column, where the reason is of one.")
    reason: str = strawberry.field(description="What is wrong with it.")


@strawberry.type(description="What a column of a list is taken for.")
class ColumnMeaning:
    field: str = strawberry.field(description="The lot's field.")
    column: str = strawberry.field(description="The list's column, or the value that holds for all rows.")


@strawberry.type(description="What becomes of a list; accepted, unmapped and rejected rows are all of its rows.")
class StockList:
    file: str = strawberry.field(description="Its name.")
    problem: str | None = strawberry.field(description="Why the list as a whole cannot be read.")
    confirmed: bool = strawberry.field(description="False: it is not read before someone confirms its columns.")
    columns: list[str] = strawberry.field(description="Its header.")
    mapping: list[ColumnMeaning] = strawberry.field(description="As confirmed, else as proposed; may be empty.")
    accepted: int = strawberry.field(description="Rows that are lots with a code.")
    unmapped: int = strawberry.field(description="Rows that are lots whose name has no code yet.")
    rejected: int = strawberry.field(description="Rows that cannot be read.")
    rejected_rows: list[UnreadableRow] = strawberry.field(description="Which, the first thousand.")


@strawberry.type(description="A name of stock that has no code.")
class UnmappedSupply:
    text: str = strawberry.field(description="The name.")
    lots: int = strawberry.field(description="How many lots have it.")
    sources: list[str] = strawberry.field(description="Whose.")
    proposed_code: str | None = strawberry.field(description="The code of the item whose name is most like it.")
    proposed_name: str | None = strawberry.field(description="That item's name.")


@strawberry.type(description="The row is a lot now.")
class CorrectRejectedRowSuccess:
    id: strawberry.ID = strawberry.field(description="The rejected row, which waits no more.")
    lots: list[strawberry.ID] = strawberry.field(description="The lots that it became.")
    projected: bool = strawberry.field(description=_PROJECTED)


@strawberry.type(description="The list is in its source's folder; it is read at the source's next turn.")
class UploadStockListSuccess:
    list: StockList = strawberry.field(description="What becomes of it.")


@strawberry.type(description="What the columns mean is in the log; the list is read at the source's next turn.")
class ConfirmStockListSuccess:
    list: StockList = strawberry.field(description="What becomes of it.")


@strawberry.type(description="The decision is in the log, for the lots of all sources, now and from now on.")
class MapSupplyItemSuccess:
    lots: int = strawberry.field(description="How many lots changed.")
    projected: bool = strawberry.field(description=_PROJECTED)


CorrectRejectedRowResult = Annotated[
    CorrectRejectedRowSuccess | RejectedRowNotFound | RejectedRowAlreadyCorrected | RowStillUnreadable | EntryConflict,
    strawberry.union(name="CorrectRejectedRowResult", description="What became of a correction."),
]
UploadStockListResult = Annotated[
    UploadStockListSuccess | SourceNotFound | StockListRefused | EntryConflict,
    strawberry.union(name="UploadStockListResult", description="What became of a list."),
]
ConfirmStockListResult = Annotated[
    ConfirmStockListSuccess | SourceNotFound | StockListRefused | EntryConflict,
    strawberry.union(name="ConfirmStockListResult", description="What became of a confirmation."),
]
MapSupplyItemResult = Annotated[
    MapSupplyItemSuccess | SupplyItemNotMapped | EntryConflict,
    strawberry.union(name="MapSupplyItemResult", description="What became of a decision on a name."),
]

_Source = Annotated[strawberry.ID, strawberry.argument(description="The source's id, as the park file has it.")]
_First = Annotated[int, strawberry.argument(description=f"How many at most, from 0 to {MAX_ROWS}.")]
_After = Annotated[strawberry.ID | None, strawberry.argument(description="Begins after this row.")]
_Row = Annotated[strawberry.ID, strawberry.argument(name="id", description="The rejected row's id.")]
_Cells = Annotated[list[CellInput], strawberry.argument(description="What is to be changed; the others stay.")]
_File = Annotated[str, strawberry.argument(description="The list's name, without a folder.")]
_Upload = Annotated[strawberry.ID, strawberry.argument(description="What POST /uploads answered: CSV or Excel.")]
_Changes = Annotated[
    list[ColumnMeaningInput] | None, strawberry.argument(description="What is not as proposed; the rest stays.")
]
_Text = Annotated[str, strawberry.argument(description="The name, or a part of it.")]
_Code = Annotated[str | None, strawberry.argument(description="The item's code; null takes the decision back.")]
_Contains = Annotated[bool, strawberry.argument(description="Every name in which the text stands.")]
_Key = Annotated[
    str, strawberry.argument(description="A new random text for each change; a repeat gets the first answer.")
]


async def rejected_rows(info: Asked, source: _Source, first: _First = 50, after: _After = None) -> list[WaitingRow]:
    spec = _spec(info, source, Action.READ)
    if not 0 <= first <= MAX_ROWS:
        raise BadRequest(f"first is {first}: ask for 0 to {MAX_ROWS} rows, then for those after the last one")
    above = 0 if after is None else _number(after)
    if above is None:
        raise BadRequest(f"after is {after!r}, which is no rejected row's id: begin without it")
    found = await rejects.waiting(info.context.services.journal, spec, after=above, first=first) if first else []
    return [
        WaitingRow(
            id=strawberry.ID(str(one.id)),
            file=one.file,
            row=one.row,
            where=one.where,
            reason=one.reason,
            cells=[Cell(column=cell.column, value=cell.value) for cell in one.cells],
            at=one.at,
        )
        for one in found
    ]


async def correct_rejected_row(
    info: Asked, id_: _Row, cells: _Cells, idempotency_key: _Key
) -> CorrectRejectedRowResult:
    journal = info.context.services.journal
    try:
        number = _number(id_)
        if number is None:
            raise NotFound(f"{id_!r} is no rejected row's id")
        held = await rejects.letter_of(journal, number)
        changes = {cell.column: cell.value for cell in cells}
        done = await rejects.correct(journal, _spec(info, held.source), held, changes, _word(info, idempotency_key))
    except NotFound as error:  # with no word on whose it may be
        told = f"there is no rejected row {id_}, or none of yours; rejectedRows lists those that wait"
        return RejectedRowNotFound(code=error.code, message=told)
    except BadRequest as error:
        return RowStillUnreadable(code=error.code, message=error.message)
    except rejects.AlreadyCorrected as error:
        return RejectedRowAlreadyCorrected(code=error.code, message=error.message)
    except Conflict as error:
        return EntryConflict(code=error.code, message=error.message)
    lots = [strawberry.ID(entity) for entity in done.entities.values()]
    return CorrectRejectedRowSuccess(id=id_, lots=lots, projected=await _projected(info, done.seq))


async def upload_stock_list(
    info: Asked, source: _Source, file: _File, upload: _Upload, idempotency_key: _Key
) -> UploadStockListResult:
    services = info.context.services
    try:
        spec = _spec(info, source)
    except NotFound as error:
        return SourceNotFound(code=error.code, message=error.message)
    try:
        sent = await services.uploads.find(upload)
        word = _word(info, idempotency_key)
        shown = await uploads.upload(services.journal, services.clock, spec, file, sent, word)
    except Conflict as error:
        return EntryConflict(code=error.code, message=error.message)
    except (BadRequest, NotFound) as error:
        return StockListRefused(code=error.code, message=error.message)
    except SourceError as error:
        return StockListRefused(code=Code.BAD_REQUEST, message=str(error))
    return UploadStockListSuccess(list=_list(shown))


async def confirm_stock_list(
    info: Asked, source: _Source, file: _File, idempotency_key: _Key, changes: _Changes = None
) -> ConfirmStockListResult:
    services = info.context.services
    try:
        spec = _spec(info, source)
    except NotFound as error:
        return SourceNotFound(code=error.code, message=error.message)
    try:
        wanted = {one.field: one.column or "" for one in changes or ()}
        word = _word(info, idempotency_key)
        shown, _ = await uploads.confirm_list(services.journal, services.clock, spec, file, wanted, word)
    except Conflict as error:
        return EntryConflict(code=error.code, message=error.message)
    except (BadRequest, NotFound) as error:
        return StockListRefused(code=error.code, message=error.message)
    except SourceError as error:
        return StockListRefused(code=Code.BAD_REQUEST, message=str(error))
    return ConfirmStockListSuccess(list=_list(shown, confirmed=True))


async def unmapped_supplies(info: Asked, first: _First = 50) -> list[UnmappedSupply]:
    _must_see_all(info, Action.READ)
    if not 0 <= first <= MAX_ROWS:
        raise BadRequest(f"first is {first}: ask for 0 to {MAX_ROWS} names; map those of most lots, then ask again")
    return [
        UnmappedSupply(
            text=one.text,
            lots=one.lots,
            sources=list(one.sources),
            proposed_code=one.proposed.code if one.proposed else None,
            proposed_name=one.proposed.name if one.proposed else None,
        )
        for one in (await items.unmapped(info.context.services.journal))[:first]
    ]


async def map_supply_item(
    info: Asked, text: _Text, idempotency_key: _Key, code: _Code = None, contains: _Contains = False
) -> MapSupplyItemResult:
    _must_see_all(info)
    services, match = info.context.services, items.Match.CONTAINS if contains else items.Match.EXACT
    try:
        word = _word(info, idempotency_key)
        _, changed = await items.map_items(
            services.journal,
            [items.Decision(text=text, match=match, code=code)],
            actor=word.actor,
            now=services.clock(),
            command=word.command(["map", text, match.value, code], {}),
        )
    except Conflict as error:
        return EntryConflict(code=error.code, message=error.message)
    except BadRequest as error:
        return SupplyItemNotMapped(code=error.code, message=error.message)
    return MapSupplyItemSuccess(lots=changed, projected=await _projected(info, services.journal.head))


def _spec(info: Asked, source: str, action: Action = Action.WRITE) -> SourceSpec:
    """What is another organization's is told no differently from what is not there. Raises NotFound."""
    for spec in info.context.services.specs:
        own = sees_source(info.context, source, "Import", Action.WRITE)
        if spec.id == source and (own or (action is Action.READ and sees_source(info.context, source))):
            return spec
    raise NotFound(f"there is no source {source!r}, or none that is yours")


def _must_see_all(info: Asked, action: Action = Action.WRITE) -> None:
    if not sees_record(info.context, "Import", action):
        raise Forbidden("what names of stock mean holds for all tenants: only who sees all of the park may say it")


def _number(id_: str) -> int | None:
    return int(id_) if id_.isascii() and id_.isdigit() and len(id_) < 20 and 0 < int(id_) < _NO_ID else None


def _word(info: Asked, key: str) -> Word:
    return Word(actor=info.context.viewer.subject, key=key)


async def _projected(info: Asked, seq: int) -> bool:
    return await info.context.services.projection.wait_for(seq, PROJECTED_SECONDS)


def _list(shown: Look, *, confirmed: bool = False) -> StockList:
    tally = shown.tally
    return StockList(
        file=shown.file,
        problem=shown.problem,
        confirmed=shown.confirmed or confirmed,
        columns=[name for name in shown.header.names if name] if shown.header else [],
        mapping=_meanings(shown),
        accepted=tally.accepted if tally else 0,
        unmapped=tally.unmapped if tally else 0,
        rejected=tally.rejected if tally else 0,
        rejected_rows=_rejected(shown),
    )


def _meanings(shown: Look) -> list[ColumnMeaning]:
    if shown.mapping is None:
        return []
    meant = {name: one.column or str(one.value) for name, one in shown.mapping.columns if one is not None}
    if shown.mapping.id is not None:
        meant["id"] = shown.mapping.id
    return [ColumnMeaning(field=name, column=column) for name, column in meant.items()]


def _rejected(shown: Look) -> list[UnreadableRow]:
    told = shown.tally.reasons if shown.tally else ()
    return [UnreadableRow(row=one.number, column=one.column, reason=one.reason) for one in told]
